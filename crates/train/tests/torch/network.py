"""Derived networks in PyTorch, with the names of tensors that DARTS' code gives them: the yardstick of
`train`'s files, and how PyTorch reads an export (see load.py)."""

import re

import torch
from torch import nn


def parse_genotype(text):
    """`normal: op@input*weight op@input | ..` and a line `reduce: ..`: for each kind of cell, its
    nodes, each a list of (operation, input, weight). Lines `normal_concat: 3 4` name the nodes that make
    up an output, by default all of them."""
    entry = re.compile(r"(\w+)@(\d+)(?:\*(\S+))?")
    cells = {}
    for line in text.strip().splitlines():
        kind, nodes = map(str.strip, line.split(":"))
        if kind.endswith("_concat"):
            cells[kind] = [int(node) for node in nodes.split()]
            continue
        cells[kind] = [
            [(op, int(at), float(weight or 1)) for op, at, weight in entry.findall(node)]
            for node in nodes.split("|")
        ]
        cells.setdefault(f"{kind}_concat", list(range(2, 2 + len(cells[kind]))))
    return cells


class Reduce(nn.Module):
    """Two 1x1 convolutions of stride 2, the second shifted by a pixel."""

    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv_1 = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.conv_2 = nn.Conv2d(c_in, c_out // 2, 1, stride=2, bias=False)
        self.bn = nn.BatchNorm2d(c_out)

    def forward(self, x):
        x = torch.relu(x)
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], 1))


class Wrapped(nn.Module):
    """Layers under the name `op`."""

    def __init__(self, *layers):
        super().__init__()
        self.op = nn.Sequential(*layers)

    def forward(self, x):
        return self.op(x)


def pointwise(c_in, c_out):
    return Wrapped(nn.ReLU(), nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out))


def separable(c, kernel, stride, dilation):
    padding = dilation * (kernel - 1) // 2
    depthwise = nn.Conv2d(c, c, kernel, stride, padding, dilation, groups=c, bias=False)
    return [nn.ReLU(), depthwise, nn.Conv2d(c, c, 1, bias=False), nn.BatchNorm2d(c)]


def strips(c, length, stride):
    """A kernel along the rows, then one along the columns."""
    half = length // 2
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(c, c, (1, length), (1, stride), (0, half), bias=False),
        nn.Conv2d(c, c, (length, 1), (stride, 1), (half, 0), bias=False),
        nn.BatchNorm2d(c),
    )


def plain(c, kernel, stride):
    conv = nn.Conv2d(c, c, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(c))


def operation(name, c, stride):
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else Reduce(c, c)
    kernel = int(name[-1])
    kind = name[: name.index(str(kernel)) - 1]
    if kind == "max_pool":
        return nn.MaxPool2d(kernel, stride, kernel // 2)
    if kind == "avg_pool":
        return nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)
    if kind == "conv":
        return (strips if name.count("x") == 2 else plain)(c, kernel, stride)
    dilation = 2 if kind.startswith("dil") else 1
    stages = separable(c, kernel, stride, dilation)
    if kind != "dil_conv":
        stages += separable(c, kernel, 1, dilation)
    return Wrapped(*stages)


class Cell(nn.Module):
    def __init__(self, nodes, concat, c_prev_prev, c_prev, c, reduction, reduction_prev):
        super().__init__()
        first = Reduce if reduction_prev else pointwise
        self.preprocess0, self.preprocess1 = first(c_prev_prev, c), pointwise(c_prev, c)
        self.nodes, self.concat = nodes, concat
        stride = lambda source: 2 if reduction and source < 2 else 1
        self._ops = nn.ModuleList(
            operation(name, c, stride(source)) for node in nodes for name, source, _ in node
        )

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        ops = iter(self._ops)
        for node in self.nodes:
            terms = [weight * next(ops)(states[source]) for _, source, weight in node]
            states.append(sum(terms))
        return torch.cat([states[node] for node in self.concat], 1)


def convolution(c_in, c_out, stride):
    conv = nn.Conv2d(c_in, c_out, 3, stride, 1, bias=False)
    return [conv, nn.BatchNorm2d(c_out)]


class AuxiliaryHead(nn.Module):
    def __init__(self, c, classes, form):
        super().__init__()
        wide = [nn.Conv2d(128, 768, 2, bias=False)]
        if form == "cifar":
            wide.append(nn.BatchNorm2d(768))
        self.features = nn.Sequential(
            nn.ReLU(),
            nn.AvgPool2d(5, 3 if form == "cifar" else 2, count_include_pad=False),
            nn.Conv2d(c, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            *wide,
            nn.ReLU(),
        )
        self.classifier = nn.Linear(768, classes)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Network(nn.Module):
    """`genotype` as `parse_genotype` gives it; `form` is "cifar" or "imagenet"; `cell` is made of it."""

    def __init__(
        self,
        genotype,
        channels,
        cells,
        classes,
        image_channels=3,
        form="cifar",
        auxiliary=False,
        cell=Cell,
    ):
        super().__init__()
        c = channels
        if form == "cifar":
            c_stem = 3 * c
            self.stem = nn.Sequential(*convolution(image_channels, c_stem, 1))
        else:
            c_stem = c
            first, second = convolution(image_channels, c // 2, 2), convolution(c // 2, c, 2)
            self.stem0 = nn.Sequential(*first, nn.ReLU(), *second)
            self.stem1 = nn.Sequential(nn.ReLU(), *convolution(c, c, 2))
        self.form = form
        self.cells = nn.ModuleList()
        c_prev_prev, c_prev, reduction_prev = c_stem, c_stem, form == "imagenet"
        for index in range(cells):
            reduction = index in (cells // 3, 2 * cells // 3)
            c *= 2 if reduction else 1
            kind = "reduce" if reduction else "normal"
            nodes, concat = genotype[kind], genotype[f"{kind}_concat"]
            self.cells.append(
                cell(nodes, concat, c_prev_prev, c_prev, c, reduction, reduction_prev)
            )
            c_prev_prev, c_prev, reduction_prev = c_prev, len(concat) * c, reduction
            if index == 2 * cells // 3 and auxiliary:
                self.auxiliary_head = AuxiliaryHead(c_prev, classes, form)
        self.classifier = nn.Linear(c_prev, classes)

    def forward(self, x):
        """Class logits; the auxiliary head is for training."""
        if self.form == "cifar":
            s0 = s1 = self.stem(x)
        else:
            s0 = self.stem0(x)
            s1 = self.stem1(s0)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return self.classifier(s1.mean((2, 3)))
