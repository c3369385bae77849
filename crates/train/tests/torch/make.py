"""Makes the files beside it with PyTorch: a small derived network, its state dict as .pt and
.safetensors and what it says of two images; sizes and costs of the published networks. Run with torch
installed: `python3 make.py`."""

import json
import struct
from pathlib import Path

import torch
from torch import nn

from network import Network, parse_genotype

HERE = Path(__file__).parent
GENOTYPE = """\
normal: sep_conv_3x3@0 avg_pool_3x3@1 | skip_connect@0 dil_conv_3x3@2
reduce: max_pool_3x3@0 skip_connect@1 | sep_conv_5x5@2 dil_conv_5x5@1
"""
SIDE = 16
# The cells as the papers print them.
SHORT = {"sep3": "sep_conv_3x3", "sep5": "sep_conv_5x5", "dil3": "dil_conv_3x3"}
SHORT |= {"dil5": "dil_conv_5x5", "max": "max_pool_3x3", "skip": "skip_connect"}
PUBLISHED = {
    "darts-v2": """\
normal: sep3@0 sep3@1 | sep3@0 sep3@1 | sep3@1 skip@0 | skip@0 dil3@2
reduce: max@0 max@1 | skip@2 max@1 | max@0 skip@2 | skip@2 max@1""",
    "snas": """\
normal: sep3@0 sep3@1 | skip@0 dil3@1 | skip@0 skip@1 | skip@0 sep3@1
reduce: max@0 max@1 | skip@2 max@1 | skip@2 max@1 | max@0 dil3@2""",
    "data-m4": """\
normal: skip@0 sep3@0 sep3@1 | skip@2 skip@1 sep3@2 | sep5@3 skip@3 | skip@0 sep5@1 sep3@2
reduce: skip@1 dil3@1 dil5@1 | sep5@0 dil5@2 skip@1 | max@0 skip@2 | dil3@1 dil5@1 skip@3""",
}


def write_safetensors(path, state):
    header, data = {}, b""
    for name, tensor in state.items():
        kind = {torch.float32: "F32", torch.int64: "I64"}[tensor.dtype]
        raw = tensor.contiguous().numpy().tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": kind, "shape": list(tensor.shape), "data_offsets": offsets}
        data += raw
    # The tensors begin at a multiple of 8 bytes.
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def published(name):
    nodes = parse_genotype(PUBLISHED[name])
    long = lambda node: [(SHORT[op], at, weight) for op, at, weight in node]
    return {kind: [long(node) for node in of_kind] for kind, of_kind in nodes.items()}


def count(name, form, channels, cells, classes, side):
    """Weights, and the multiply-adds of every convolution and linear layer as PyTorch runs them."""
    network = Network(published(name), channels, cells, classes, form=form).eval()
    total = 0

    def add(module, _, output):
        nonlocal total
        # Each output value takes one multiplication for each weight of its channel.
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            total += output.numel() * module.weight[0].numel()

    for module in network.modules():
        module.register_forward_hook(add)
    with torch.no_grad():
        network(torch.zeros(1, 3, side, side))
    return {
        "cells": name,
        "form": form,
        "weights": sum(parameter.numel() for parameter in network.parameters()),
        "multiply_adds": total,
    }


def main():
    torch.manual_seed(7)
    network = Network(parse_genotype(GENOTYPE), channels=4, cells=4, classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        for _ in range(5):
            network(torch.randn(8, 3, SIDE, SIDE))
        network.eval()
        images = torch.randn(2, 3, SIDE, SIDE)
        logits = network(images)
    state = network.state_dict()
    torch.save(state, HERE / "network.pt")
    write_safetensors(HERE / "network.safetensors", dict(sorted(state.items())))
    (HERE / "genotype.txt").write_text(GENOTYPE)
    round_floats = lambda tensor: [float(x) for x in tensor.flatten()]
    (HERE / "answers.json").write_text(
        json.dumps({"images": round_floats(images), "logits": round_floats(logits)}) + "\n"
    )
    counts = [count(name, "cifar", 36, 20, 10, 32) for name in PUBLISHED]
    counts += [count(name, "imagenet", 48, 14, 1000, 224) for name in PUBLISHED]
    (HERE / "counts.json").write_text(json.dumps(counts, indent=1) + "\n")


main()
