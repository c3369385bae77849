"""The search step of semantic segmentation in PyTorch, for comparison.

The same supernet as `supernet::segmentation::SegmentationSupernet`, of the cells of `step.py` beside it,
with the head as torchvision's DeepLab v3 has it. One alternating step for each line on standard input; each
answer is a JSON line with seconds and peak resident memory.
"""

import argparse

import torch
from torch import nn
from torch.nn import functional as F

from step import FORMS, NODES, OPERATIONS, Cell, answer_steps, ensemble_code, formed, lying, norm

CLASSES = 11


def conv_norm(inputs, outputs, kernel=1, stride=1, dilation=1):
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        norm(outputs, affine=True),
    )


class Pyramid(nn.Module):
    def __init__(self, inputs, channels, rates):
        super().__init__()
        self.near = conv_norm(inputs, channels)
        self.far = nn.ModuleList(conv_norm(inputs, channels, 3, 1, rate) for rate in rates)
        self.pooled = conv_norm(inputs, channels)
        self.project = conv_norm((2 + len(rates)) * channels, channels)

    def forward(self, x):
        branches = [self.near(x)] + [branch(x) for branch in self.far]
        pooled = self.pooled(x.mean(dim=(2, 3), keepdim=True))
        branches.append(pooled.expand(-1, -1, *x.shape[2:]))
        joined = torch.cat([F.relu(branch) for branch in branches], dim=1)
        return F.relu(self.project(joined))


class Supernet(nn.Module):
    def __init__(self, channels, cells, stem_stride, output_stride, pyramid, rates):
        super().__init__()
        stem = 3 * channels
        if stem_stride == 2:
            self.stem = conv_norm(3, stem, 3, 2)
        else:
            half = conv_norm(3, stem // 2, 3, 2)
            self.stem = nn.Sequential(half, nn.ReLU(), conv_norm(stem // 2, stem, 3, 2))
        before, previous, reached, dilation = stem, stem, stem_stride, 1
        reduction_previous, spacing_previous = False, (2, 1)
        self.cells = nn.ModuleList()
        for index in range(cells):
            reduction = index in (cells // 3, 2 * cells // 3)
            spacing = (1, dilation)
            if reduction:
                channels *= 2
                if reached < output_stride:
                    reached *= 2
                    spacing = (2, dilation)
                else:
                    dilation *= 2
            self.cells.append(
                Cell(
                    before,
                    previous,
                    channels,
                    reduction,
                    reduction_previous,
                    spacing,
                    spacing_previous,
                )
            )
            before, previous = previous, NODES * channels
            reduction_previous, spacing_previous = reduction, spacing
        self.head = nn.Sequential(
            Pyramid(previous, pyramid, rates),
            conv_norm(pyramid, pyramid, 3),
            nn.ReLU(),
            nn.Conv2d(pyramid, CLASSES, 1),
        )
        rows = sum(node + 2 for node in range(NODES))
        self.alphas = nn.ParameterList(
            nn.Parameter(1e-3 * torch.randn(rows, len(OPERATIONS))) for _ in range(2)
        )

    def weights(self):
        alphas = {id(alpha) for alpha in self.alphas}
        return [p for p in self.parameters() if id(p) not in alphas]

    def forward(self, images, draws):
        normal, reduce = (ensemble_code(alpha, draws) for alpha in self.alphas)
        before = previous = self.stem(images)
        for cell in self.cells:
            code = reduce if cell.reduction else normal
            before, previous = previous, cell(before, previous, code)
        logits = self.head(previous)
        return F.interpolate(logits, images.shape[2:], mode="bilinear", align_corners=False)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=["scenes"], default="scenes")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--stem-stride", type=int, default=2)
    parser.add_argument("--output-stride", type=int, default=4)
    parser.add_argument("--pyramid", type=int, default=32)
    parser.add_argument("--rates", default="2,4,6")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--form", choices=FORMS, default="eager")
    args = parser.parse_args()
    torch.manual_seed(0)
    rates = [int(rate) for rate in args.rates.split(",")]
    model = Supernet(
        args.channels, args.cells, args.stem_stride, args.output_stride, args.pyramid, rates
    ).to(args.device)
    formed(model, args.form)
    weights = torch.optim.SGD(model.weights(), 0.025, momentum=0.9, weight_decay=3e-4)
    alphas = torch.optim.Adam(model.alphas.parameters(), 3e-4, betas=(0.5, 0.999))

    def batch():
        side = (args.side, args.side)
        masks = torch.randint(0, CLASSES, (args.batch, *side))
        images = lying(torch.randn((args.batch, 3, *side)), args.form)
        return images.to(args.device), masks.to(args.device)

    def loss_of(images, masks):
        return F.cross_entropy(model(images, args.draws), masks, ignore_index=255)

    weight_batch, alpha_batch = batch(), batch()
    def take():
        alphas.zero_grad()
        loss_of(*alpha_batch).backward()
        alphas.step()
        weights.zero_grad()
        loss = loss_of(*weight_batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.weights(), 5.0)
        weights.step()
        return loss.item()

    answer_steps(take)


if __name__ == "__main__":
    main()
