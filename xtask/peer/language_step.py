"""The search step of a recurrent cell as the published PyTorch code takes it, for comparison.

The same supernet as `supernet::recurrent::LanguageSupernet`, written the way DARTS-style code is: a step
of the cell runs all activations of all states before it, weighs them by their codes, and both halves of
a search step differentiate by all parameters. One alternating step for each line on standard input; each
answer is a JSON line with seconds and peak resident memory.
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

from step import answer_steps

STEPS = 8
# `none`, which comes first among the operations, adds nothing.
ACTIVATIONS = [torch.tanh, torch.relu, torch.sigmoid, lambda x: x]
OPERATIONS = 1 + len(ACTIVATIONS)
EDGES = STEPS * (STEPS + 1) // 2


def uniform(*shape):
    return nn.Parameter(torch.empty(*shape).uniform_(-0.04, 0.04))


def step_code(alpha, draws, temperature=1.0):
    """Union of `draws` hard Gumbel-Softmax samples over all pairs of a step, straight-through, divided
    by its sum."""
    log_p = F.log_softmax(alpha.flatten(), dim=-1)
    uniform = torch.rand(draws, log_p.numel(), device=alpha.device).clamp(1e-7, 1 - 1e-7)
    soft = F.softmax((log_p - torch.log(-torch.log(uniform))) / temperature, dim=-1)
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(dim=-1, keepdim=True), 1.0)
    code = (hard - soft.detach() + soft).max(dim=0).values
    return (code / (code.sum() + 1e-9)).view_as(alpha)


class Cell(nn.Module):
    def __init__(self, hidden):
        super().__init__()
        self.first = uniform(2 * hidden, 2 * hidden)
        self.steps = nn.ParameterList(uniform(hidden, 2 * hidden) for _ in range(STEPS))
        self.norm = nn.BatchNorm1d(hidden, affine=False)

    def forward(self, x, hidden, codes):
        gate, candidate = torch.cat([x, hidden], dim=-1).mm(self.first).chunk(2, dim=-1)
        first = hidden + gate.sigmoid() * (candidate.tanh() - hidden)
        states = self.norm(first).unsqueeze(0)
        for weights, code in zip(self.steps, codes):
            gates, candidates = states.matmul(weights).chunk(2, dim=-1)
            gates = gates.sigmoid()
            total = torch.zeros_like(hidden)
            for index, activation in enumerate(ACTIVATIONS):
                mixed = states + gates * (activation(candidates) - states)
                total = total + (code[:, index + 1, None, None] * mixed).sum(dim=0)
            states = torch.cat([states, self.norm(total).unsqueeze(0)])
        return states[1:].mean(dim=0)


class Supernet(nn.Module):
    def __init__(self, words, hidden):
        super().__init__()
        self.vectors = uniform(words, hidden)
        self.bias = nn.Parameter(torch.zeros(words))
        self.cell = Cell(hidden)
        self.alpha = nn.Parameter(1e-3 * torch.randn(EDGES, OPERATIONS))

    def weights(self):
        return [parameter for parameter in self.parameters() if parameter is not self.alpha]

    def codes(self, draws):
        rows = self.alpha.split(list(range(1, STEPS + 1)))
        return [step_code(row, draws) for row in rows]

    def forward(self, tokens, hidden, draws):
        codes = self.codes(draws)
        outputs = []
        for x in F.embedding(tokens, self.vectors):
            hidden = self.cell(x, hidden, codes)
            outputs.append(hidden)
        decoded = F.linear(torch.stack(outputs), self.vectors, self.bias)
        return decoded, hidden.detach()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=["language"], default="language")
    parser.add_argument("--words", type=int, default=1000)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--length", type=int, default=35)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--form", choices=["eager", "compiled"], default="eager")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = Supernet(args.words, args.hidden).to(args.device)
    if args.form == "compiled":
        model.cell.compile()
    weights = torch.optim.SGD(model.weights(), 20.0, weight_decay=5e-7)
    alphas = torch.optim.Adam([model.alpha], 3e-3, weight_decay=1e-3)

    def batch():
        words = lambda: torch.randint(0, args.words, (args.length, args.batch))
        return words().to(args.device), words().to(args.device)

    def loss(batch, hidden):
        tokens, targets = batch
        decoded, hidden = model(tokens, hidden, args.draws)
        return F.cross_entropy(decoded.flatten(0, 1), targets.flatten()), hidden

    weight_batch, alpha_batch = batch(), batch()
    start = torch.zeros(args.batch, args.hidden, device=args.device)
    weight_hidden = alpha_hidden = start
    def take():
        nonlocal weight_hidden, alpha_hidden
        alphas.zero_grad()
        value, alpha_hidden = loss(alpha_batch, alpha_hidden)
        value.backward()
        alphas.step()
        weights.zero_grad()
        value, weight_hidden = loss(weight_batch, weight_hidden)
        value.backward()
        nn.utils.clip_grad_norm_(model.weights(), 0.25)
        weights.step()
        return value.item()

    answer_steps(take)


main()
