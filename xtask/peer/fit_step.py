"""The step of a training as the published PyTorch code takes it, for comparison.

The network that `train`'s tests compare with, with drop-path and the auxiliary head's loss. One step for each line
on standard input; each answer is a JSON line with seconds and peak resident memory.
"""

import argparse
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from step import FORMS, answer_steps, formed, lying

sys.path.append(str(Path(__file__).resolve().parents[2] / "crates/train/tests/torch"))
from network import Cell, Network, parse_genotype

DARTS_V2 = """
normal: sep_conv_3x3@0 sep_conv_3x3@1 | sep_conv_3x3@0 sep_conv_3x3@1 | sep_conv_3x3@1 skip_connect@0 | skip_connect@0 dil_conv_3x3@2
reduce: max_pool_3x3@0 max_pool_3x3@1 | skip_connect@2 max_pool_3x3@1 | max_pool_3x3@0 skip_connect@2 | skip_connect@2 max_pool_3x3@1
"""
CLASSES = 10
AUXILIARY_WEIGHT = 0.4
DROP_PATH = 0.2


class DroppingCell(Cell):
    """Leaves operations out at random, image by image, but for those that do nothing."""

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        ops = iter(self._ops)
        for node in self.nodes:
            terms = []
            for _, source, _ in node:
                op = next(ops)
                term = op(states[source])
                if not isinstance(op, nn.Identity):
                    kept = torch.rand(len(term), 1, 1, 1, device=term.device) >= DROP_PATH
                    term = term / (1 - DROP_PATH) * kept
                terms.append(term)
            states.append(sum(terms))
        return torch.cat([states[node] for node in self.concat], 1)


def logits_of(model, images):
    """Those of the network and those of its auxiliary head."""
    s0 = s1 = model.stem(images)
    for index, cell in enumerate(model.cells):
        s0, s1 = s1, cell(s0, s1)
        if index == 2 * len(model.cells) // 3:
            auxiliary = model.auxiliary_head(s1)
    return model.classifier(s1.mean((2, 3))), auxiliary


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument("--side", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--form", choices=FORMS, default="eager")
    args = parser.parse_args()
    torch.manual_seed(0)
    genotype = parse_genotype(DARTS_V2)
    model = Network(
        genotype, args.channels, args.cells, CLASSES, auxiliary=True, cell=DroppingCell
    ).to(args.device)
    formed(model, args.form)
    weights = torch.optim.SGD(model.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    images = lying(torch.randn(args.batch, 3, args.side, args.side), args.form).to(args.device)
    labels = torch.randint(0, CLASSES, (args.batch,)).to(args.device)
    def take():
        weights.zero_grad()
        logits, auxiliary = logits_of(model, images)
        loss = F.cross_entropy(logits, labels)
        (loss + AUXILIARY_WEIGHT * F.cross_entropy(auxiliary, labels)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        weights.step()
        return loss.item()

    answer_steps(take)


if __name__ == "__main__":
    main()
