"""The search step as the published PyTorch code takes it, for comparison.

The same supernet as `supernet::Supernet`, written the way DARTS-style code is: every candidate
operation runs, its output is multiplied by its code, and both halves of a step differentiate by all
parameters. One alternating step for each line on standard input; each answer is a JSON line with
seconds and peak resident memory.
"""

import argparse
import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

NODES = 4
OPERATIONS = [
    "none",
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
]


def norm(channels, affine=False):
    return nn.BatchNorm2d(channels, affine=affine)


def relu_conv_norm(inputs, outputs):
    return nn.Sequential(nn.ReLU(), nn.Conv2d(inputs, outputs, 1, bias=False), norm(outputs))


class Halve(nn.Module):
    """Factorised reduction: two shifted 1x1 convolutions of stride 2, side by side. Without the stride
    the second one is shifted by the dilation."""

    def __init__(self, inputs, outputs, stride=2, dilation=1):
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, stride=stride, bias=False)
        self.odd = nn.Conv2d(inputs, outputs - outputs // 2, 1, stride=stride, bias=False)
        self.norm = norm(outputs)
        self.stride, self.dilation = stride, dilation

    def forward(self, x):
        x = F.relu(x)
        if self.stride == 1:
            by = self.dilation
            shifted = F.pad(x, (0, by, 0, by))[:, :, by:, by:]
            return self.norm(torch.cat([self.even(x), self.odd(shifted)], dim=1))
        height, width = x.shape[2:]
        if height % 2 or width % 2:
            x = F.pad(x, (0, width % 2, 0, height % 2))
        halves = [self.even(x), self.odd(x[:, :, 1:, 1:])]
        return self.norm(torch.cat(halves, dim=1))


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride] * 0.0


class DilatedMean(nn.Module):
    """Average pooling 3x3 of a dilation, which PyTorch has not; pixels outside do not count."""

    def __init__(self, channels, dilation):
        super().__init__()
        self.register_buffer("ones", torch.ones(channels, 1, 3, 3))
        self.dilation = dilation

    def forward(self, x):
        def total(x):
            channels, by = x.shape[1], self.dilation
            return F.conv2d(x, self.ones[:channels], padding=by, dilation=by, groups=channels)

        return total(x) / total(torch.ones_like(x[:1, :1]))


def stage(channels, kernel, stride, dilation):
    padding = dilation * (kernel - 1) // 2
    return [
        nn.ReLU(),
        nn.Conv2d(
            channels,
            channels,
            kernel,
            stride=stride,
            padding=padding,
            dilation=dilation,
            groups=channels,
            bias=False,
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
        norm(channels),
    ]


def operation(name, channels, stride, dilation=1, reduces=None):
    """`reduces`: whether the operation reduces in a classifier; without a stride, what follows it
    dilates twice as much."""
    reduces = stride == 2 if reduces is None else reduces
    if name == "none":
        return Zero(stride)
    if name == "max_pool_3x3":
        pool = nn.MaxPool2d(3, stride, 1)
        if dilation > 1:
            # Pooling itself pads by at most one pixel here.
            pad = nn.ConstantPad2d(dilation, -torch.inf)
            pool = nn.Sequential(pad, nn.MaxPool2d(3, stride, 0, dilation))
        return nn.Sequential(pool, norm(channels))
    if name == "avg_pool_3x3":
        pool = nn.AvgPool2d(3, stride, 1, count_include_pad=False)
        if dilation > 1:
            pool = DilatedMean(channels, dilation)
        return nn.Sequential(pool, norm(channels))
    if name == "skip_connect":
        return Halve(channels, channels, stride, dilation) if reduces else nn.Identity()
    kernel = 3 if name.endswith("3x3") else 5
    if name.startswith("sep"):
        after = 2 * dilation if reduces and stride == 1 else dilation
        first = stage(channels, kernel, stride, dilation)
        return nn.Sequential(*first, *stage(channels, kernel, 1, after))
    return nn.Sequential(*stage(channels, kernel, stride, 2 * dilation))


class Cell(nn.Module):
    """`reduction` and `reduction_previous`: whether this cell and the one before reduce in a classifier.
    `spacing` and `spacing_previous`: the stride and dilation of the operations on their inputs."""

    def __init__(
        self,
        before,
        previous,
        channels,
        reduction,
        reduction_previous,
        spacing=None,
        spacing_previous=(2, 1),
    ):
        super().__init__()
        self.reduction = reduction
        stride, dilation = spacing or (2 if reduction else 1, 1)
        within = 2 * dilation if reduction and stride == 1 else dilation
        if reduction_previous:
            self.first = Halve(before, channels, *spacing_previous)
        else:
            self.first = relu_conv_norm(before, channels)
        self.second = relu_conv_norm(previous, channels)

        def on(source, name):
            if source < 2:
                return operation(name, channels, stride, dilation, reduction)
            return operation(name, channels, 1, within)

        self.edges = nn.ModuleList(
            nn.ModuleList(on(source, name) for name in OPERATIONS)
            for node in range(NODES)
            for source in range(node + 2)
        )

    def forward(self, before, previous, code):
        states = [self.first(before), self.second(previous)]
        edge = 0
        for _ in range(NODES):
            total = 0
            for state in states:
                for index, candidate in enumerate(self.edges[edge]):
                    total = total + code[edge, index] * candidate(state)
                edge += 1
            states.append(total)
        return torch.cat(states[2:], dim=1)


class Supernet(nn.Module):
    def __init__(self, image_channels, channels, cells, classes=10):
        super().__init__()
        stem = 3 * channels
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, stem, 3, padding=1, bias=False), norm(stem, affine=True)
        )
        before, previous, reduction_previous = stem, stem, False
        self.cells = nn.ModuleList()
        for index in range(cells):
            reduction = index in (cells // 3, 2 * cells // 3)
            if reduction:
                channels *= 2
            self.cells.append(Cell(before, previous, channels, reduction, reduction_previous))
            before, previous, reduction_previous = previous, NODES * channels, reduction
        self.classifier = nn.Linear(previous, classes)
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
        return self.classifier(previous.mean(dim=(2, 3)))


def ensemble_code(alpha, draws, temperature=1.0):
    """Union of `draws` hard Gumbel-Softmax samples per row, straight-through."""
    log_p = F.log_softmax(alpha, dim=-1)
    uniform = torch.rand(draws, *alpha.shape, device=alpha.device).clamp(1e-7, 1 - 1e-7)
    soft = F.softmax((log_p - torch.log(-torch.log(uniform))) / temperature, dim=-1)
    hard = torch.zeros_like(soft).scatter_(-1, soft.argmax(dim=-1, keepdim=True), 1.0)
    return (hard - soft.detach() + soft).max(dim=0).values


def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# Operators of which a GPU is launched nothing: they allocate, or look at memory in another way.
NOT_LAUNCHED = {
    f"aten::{name}"
    for name in "alias as_strided chunk detach detach_ empty empty_like empty_strided expand expand_as item "
    "_local_scalar_dense lift_fresh narrow new_empty new_empty_strided permute reshape resize_ resolve_conj "
    "resolve_neg select set_ slice split squeeze t to transpose transpose_ unbind unsqueeze unsqueeze_ view "
    "view_as _reshape_alias _unsafe_view result_type zeros zeros_like ones ones_like".split()
}


def launches(event):
    """Operators below an event that compute something and call no other that does."""
    name = event.name
    if name.startswith("aten::_foreach_"):
        # One launch for many tensors on a GPU.
        return 1
    below = sum(launches(child) for child in event.cpu_children)
    computes = name.startswith("aten::") and name not in NOT_LAUNCHED
    return below or int(computes)


def count_launches(take):
    """What a step would launch on a GPU at the least: there an operator may be several kernels."""
    kinds = [torch.profiler.ProfilerActivity.CPU]
    with torch.profiler.profile(activities=kinds) as profile:
        take()
    return sum(launches(event) for event in profile.events() if event.cpu_parent is None)


def answer_steps(take, count=None):
    """Takes a step, which returns its loss, for each line on standard input, and counts what one would
    launch where the line asks for that."""
    for line in sys.stdin:
        if line.strip() == "launches":
            print(json.dumps(count()), flush=True)
            continue
        begun = time.perf_counter()
        loss = take()
        seconds = time.perf_counter() - begun
        print(json.dumps({"seconds": seconds, "peak_mib": peak_mib(), "loss": loss}), flush=True)


FORMS = {
    "eager": "as it is",
    "channels-last": "images and filters lie channel by channel of each pixel",
    "compiled": "each cell by torch.compile",
}


def formed(model, form):
    if form == "channels-last":
        model.to(memory_format=torch.channels_last)
    if form == "compiled":
        for cell in model.cells:
            cell.compile()
    return model


def lying(images, form):
    kept = {"channels-last": torch.channels_last}.get(form, torch.contiguous_format)
    return images.contiguous(memory_format=kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=["images"], default="images")
    parser.add_argument("--channels", type=int, default=8)
    parser.add_argument("--cells", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--image-channels", type=int, default=1)
    parser.add_argument("--side", type=int, default=28)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--form", choices=FORMS, default="eager")
    args = parser.parse_args()
    torch.manual_seed(0)
    model = Supernet(args.image_channels, args.channels, args.cells).to(args.device)
    formed(model, args.form)
    weights = torch.optim.SGD(model.weights(), 0.025, momentum=0.9, weight_decay=3e-4)
    alphas = torch.optim.Adam(model.alphas.parameters(), 3e-4, betas=(0.5, 0.999))

    def batch():
        shape = (args.batch, args.image_channels, args.side, args.side)
        labels = torch.randint(0, 10, (args.batch,))
        images = lying(torch.randn(shape), args.form)
        return images.to(args.device), labels.to(args.device)

    (images, labels), (alpha_images, alpha_labels) = batch(), batch()

    def take(foreach=None):
        alphas.zero_grad()
        F.cross_entropy(model(alpha_images, args.draws), alpha_labels).backward()
        alphas.step()
        weights.zero_grad()
        loss = F.cross_entropy(model(images, args.draws), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.weights(), 5.0, foreach=foreach)
        weights.step()
        return loss.item()

    def count():
        # As optimisers run on a GPU.
        for optimiser in (weights, alphas):
            for group in optimiser.param_groups:
                group["foreach"] = True
        take()
        return count_launches(lambda: take(foreach=True))

    answer_steps(take, count)


if __name__ == "__main__":
    main()
