"""Makes `language.pt` and `language_answers.json` with PyTorch: a small language network of the DARTS-V2
recurrent cell, by its formulas, and what it says of a text. Run with torch installed:
`python3 language.py`."""

import json
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent
WORDS, HIDDEN, TIME, BATCH = 12, 6, 7, 2
# Activation and the state that it reads, step by step.
CELL = [
    ("sigmoid", 0), ("relu", 1), ("relu", 1), ("identity", 1),
    ("tanh", 2), ("sigmoid", 5), ("tanh", 3), ("relu", 5),
]
ACTIVATIONS = {
    "sigmoid": torch.sigmoid, "relu": torch.relu, "tanh": torch.tanh, "identity": lambda x: x,
}


class Cell(nn.Module):
    """A state of the input and the hidden state, then one a step; their mean is the next hidden state."""

    def __init__(self):
        super().__init__()
        draw = lambda rows: nn.Parameter(torch.empty(rows, 2 * HIDDEN).uniform_(-1, 1))
        self._W0 = draw(2 * HIDDEN)
        self._Ws = nn.ParameterList([draw(HIDDEN) for _ in CELL])

    @staticmethod
    def gated(product, state, activation):
        gate, candidate = product.split(HIDDEN, dim=-1)
        return state + torch.sigmoid(gate) * (ACTIVATIONS[activation](candidate) - state)

    def forward(self, inputs, hidden):
        states = [self.gated(torch.cat([inputs, hidden], -1) @ self._W0, hidden, "tanh")]
        for matrix, (activation, state) in zip(self._Ws, CELL):
            states.append(self.gated(states[state] @ matrix, states[state], activation))
        return torch.stack(states[1:]).mean(0)


class Network(nn.Module):
    """Vectors of words, the cell, and a decoder that shares the vectors."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Embedding(WORDS, HIDDEN)
        self.decoder = nn.Linear(HIDDEN, WORDS)
        self.decoder.weight = self.encoder.weight
        self.rnns = nn.ModuleList([Cell()])

    def forward(self, words):
        hidden = torch.zeros(words.shape[1], HIDDEN)
        said = []
        for vectors in self.encoder(words):
            hidden = self.rnns[0](vectors, hidden)
            said.append(self.decoder(hidden))
        return torch.stack(said).log_softmax(-1)


torch.manual_seed(5)
network = Network()
words = torch.randint(WORDS, (TIME, BATCH))
with torch.no_grad():
    answers = network(words)
torch.save(network.state_dict(), HERE / "language.pt")
text = json.dumps({"words": words.tolist(), "log_probabilities": answers.tolist()})
(HERE / "language_answers.json").write_text(text + "\n")
