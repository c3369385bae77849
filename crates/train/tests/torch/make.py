"""Makes the files beside it: a small DARTS-style network with PyTorch, its state dict as .pt and
.safetensors, and what it says of two images. Run with torch installed: `python3 make.py`."""

import json
import struct
from pathlib import Path

import torch
from torch import nn

HERE = Path(__file__).parent
# (operation, input) of each node, as the genotype's text has it.
NORMAL = [[("sep_conv_3x3", 0), ("avg_pool_3x3", 1)], [("skip_connect", 0), ("dil_conv_3x3", 2)]]
REDUCE = [[("max_pool_3x3", 0), ("skip_connect", 1)], [("sep_conv_5x5", 2), ("dil_conv_5x5", 1)]]
CHANNELS, CELLS, CLASSES, SIDE = 4, 4, 5, 16


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


def operation(name, c, stride):
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else Reduce(c, c)
    kernel = int(name[-1])
    if name.startswith("sep"):
        return Wrapped(*separable(c, kernel, stride, 1), *separable(c, kernel, 1, 1))
    return Wrapped(*separable(c, kernel, stride, 2))


class Cell(nn.Module):
    def __init__(self, nodes, c_prev_prev, c_prev, c, reduction, reduction_prev):
        super().__init__()
        first = Reduce if reduction_prev else pointwise
        self.preprocess0, self.preprocess1 = first(c_prev_prev, c), pointwise(c_prev, c)
        self.nodes = nodes
        stride = lambda source: 2 if reduction and source < 2 else 1
        self._ops = nn.ModuleList(
            operation(name, c, stride(source)) for node in nodes for name, source in node
        )

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        ops = iter(self._ops)
        for node in self.nodes:
            states.append(sum(next(ops)(states[source]) for _, source in node))
        return torch.cat(states[2:], 1)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        c = 3 * CHANNELS
        self.stem = nn.Sequential(nn.Conv2d(3, c, 3, padding=1, bias=False), nn.BatchNorm2d(c))
        self.cells = nn.ModuleList()
        c_prev_prev, c_prev, c, reduction_prev = c, c, CHANNELS, False
        for index in range(CELLS):
            reduction = index in (CELLS // 3, 2 * CELLS // 3)
            c *= 2 if reduction else 1
            nodes = REDUCE if reduction else NORMAL
            self.cells.append(Cell(nodes, c_prev_prev, c_prev, c, reduction, reduction_prev))
            c_prev_prev, c_prev, reduction_prev = c_prev, len(nodes) * c, reduction
        self.classifier = nn.Linear(c_prev, CLASSES)

    def forward(self, x):
        s0 = s1 = self.stem(x)
        for cell in self.cells:
            s0, s1 = s1, cell(s0, s1)
        return self.classifier(s1.mean((2, 3)))


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


def main():
    torch.manual_seed(7)
    network = Network()
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
    text = lambda nodes: " | ".join(" ".join(f"{op}@{at}" for op, at in node) for node in nodes)
    (HERE / "genotype.txt").write_text(f"normal: {text(NORMAL)}\nreduce: {text(REDUCE)}\n")
    round_floats = lambda tensor: [float(x) for x in tensor.flatten()]
    (HERE / "answers.json").write_text(
        json.dumps({"images": round_floats(images), "logits": round_floats(logits)}) + "\n"
    )


main()
