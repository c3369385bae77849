"""Makes the files beside it with PyTorch: two small derived networks, their state dicts and what they say
of two images; sizes and costs of the published networks. Run with torch installed:
`python3 make.py`."""

import json
import re
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
# What only other cells than DARTS' have: further operations, one of them twice on an input, an output of
# some nodes.
FURTHER = """\
normal: sep_conv_7x7@0 avg_pool_3x3@1 avg_pool_3x3@1 | dil_sep_conv_3x3@2 conv_7x1_1x7@0 | conv_1x1@3 \
max_pool_5x5@1 conv_3x3@2 conv_3x3@2
normal_concat: 4 2
reduce: conv_7x1_1x7@0 max_pool_7x7@1 conv_1x1@0 | sep_conv_7x7@0 conv_3x1_1x3@1 conv_3x1_1x3@2 | \
avg_pool_5x5@0 max_pool_5x5@3 conv_3x3@1 | dil_sep_conv_3x3@1 max_pool_7x7@4
reduce_concat: 3 4 5
"""
SIDE = 16
# The cells as the papers print them.
SHORT = {"sep3": "sep_conv_3x3", "sep5": "sep_conv_5x5", "dil3": "dil_conv_3x3"}
SHORT |= {"dil5": "dil_conv_5x5", "max": "max_pool_3x3", "skip": "skip_connect"}
SHORT |= {"avg": "avg_pool_3x3", "sep7": "sep_conv_7x7", "strips7": "conv_7x1_1x7"}
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
    "darts-v1": """\
normal: sep3@1 sep3@0 | skip@0 sep3@1 | skip@0 sep3@1 | sep3@0 skip@2
reduce: max@0 max@1 | skip@2 max@0 | max@0 skip@2 | skip@2 avg@0""",
    "p-darts": """\
normal: skip@0 dil3@1 | skip@0 sep3@1 | sep3@1 sep3@3 | sep3@0 dil5@4
reduce: avg@0 sep5@1 | sep3@0 dil5@2 | max@0 dil3@1 | dil3@1 dil5@3""",
    "pc-darts": """\
normal: sep3@1 skip@0 | sep3@0 dil3@1 | sep5@0 sep3@1 | avg@0 dil3@1
reduce: sep5@1 max@0 | sep5@1 sep5@2 | sep3@0 sep3@3 | sep3@1 sep3@2""",
    "pc-darts-imagenet": """\
normal: skip@1 sep3@0 | sep3@0 skip@1 | sep3@1 sep3@3 | sep3@1 dil5@4
reduce: sep3@0 skip@1 | dil5@2 max@1 | sep3@2 sep3@1 | sep5@0 sep3@3""",
    "nasnet-a": """\
normal: sep5@1 sep3@0 | sep5@0 sep3@0 | avg@1 skip@0 | avg@0 avg@0 | sep3@1 skip@1
reduce: sep5@1 sep7@0 | max@1 sep7@0 | avg@1 sep5@0 | skip@3 avg@2 | sep3@2 max@1
reduce_concat: 4 5 6""",
    "amoebanet-a": """\
normal: avg@0 max@1 | sep3@0 sep5@2 | sep3@0 avg@3 | sep3@1 skip@1 | skip@0 avg@1
normal_concat: 4 5 6
reduce: avg@0 sep3@1 | max@0 sep7@2 | sep7@0 avg@1 | max@0 max@1 | strips7@0 sep3@5
reduce_concat: 3 4 6""",
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
    short = re.compile(r"(\w+)@")
    return parse_genotype(short.sub(lambda op: f"{SHORT[op[1]]}@", PUBLISHED[name]))


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


def trained(genotype):
    """A network of the genotype that is not as it was made, two images and its logits."""
    network = Network(parse_genotype(genotype), channels=4, cells=4, classes=5)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    with torch.no_grad():
        for _ in range(5):
            network(torch.randn(8, 3, SIDE, SIDE))
        network.eval()
        images = torch.randn(2, 3, SIDE, SIDE)
        return network.state_dict(), images, network(images)


def write(name, genotype, answers, seed):
    torch.manual_seed(seed)
    state, images, logits = trained(genotype)
    write_safetensors(HERE / f"{name}.safetensors", dict(sorted(state.items())))
    floats = lambda tensor: [float(x) for x in tensor.flatten()]
    answer = {"images": floats(images), "logits": floats(logits)}
    (HERE / answers).write_text(json.dumps(answer) + "\n")
    return state


def main():
    state = write("network", GENOTYPE, "answers.json", seed=7)
    torch.save(state, HERE / "network.pt")
    write("further", FURTHER, "further_answers.json", seed=8)
    (HERE / "genotype.txt").write_text(GENOTYPE)
    (HERE / "further.txt").write_text(FURTHER)
    counts = [count(name, "cifar", 36, 20, 10, 32) for name in PUBLISHED]
    counts += [count(name, "imagenet", 48, 14, 1000, 224) for name in PUBLISHED]
    (HERE / "counts.json").write_text(json.dumps(counts, indent=1) + "\n")


main()
