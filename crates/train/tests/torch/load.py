"""Reads an export of `train` into PyTorch and asks it about pictures of the network's size:
`python3 load.py EXPORT PICTURE...`, with torch and pillow installed. Prints what `train predict`
prints."""

import json
import struct
import sys
from pathlib import Path

import torch
from PIL import Image

from network import Network


def read_safetensors(path):
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    state = {}
    for name, tensor in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        start, end = tensor["data_offsets"]
        raw = bytearray(data[8 + size + start : 8 + size + end])
        state[name] = torch.frombuffer(raw, dtype=torch.float32).reshape(tensor["shape"])
    return state


def genotype(config):
    long = lambda node: [(entry["op"], entry["input"], entry.get("weight", 1.0)) for entry in node]
    cells = {kind: [long(node) for node in config[kind]] for kind in ("normal", "reduce")}
    for kind, nodes in list(cells.items()):
        every = list(range(2, 2 + len(nodes)))
        cells[f"{kind}_concat"] = config.get(f"{kind}_concat", every)
    return cells


def main(export, *pictures):
    config = json.loads((Path(export) / "config.json").read_text())
    network, image = config["network"], config["image"]
    model = Network(
        genotype(network["genotype"]),
        form=network["form"],
        auxiliary=network["auxiliary"],
        **network["network"],
    )
    state = read_safetensors(Path(export) / "model.safetensors")
    missing, unexpected = model.load_state_dict(state, strict=False)
    # PyTorch counts batches, an export does not.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        sys.exit(f"names differ: missing {missing}, unexpected {unexpected}")
    model.eval()
    mean, std = (torch.tensor(image[name])[:, None, None] for name in ("mean", "std"))
    for path in pictures:
        picture = Image.open(path).convert("L" if len(image["mean"]) == 1 else "RGB")
        if picture.size != (image["width"], image["height"]):
            sys.exit(f"{path} is not of the network's size")
        pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
        pixels = pixels.reshape(image["height"], image["width"], -1).permute(2, 0, 1) / 255
        with torch.no_grad():
            probabilities = model(((pixels - mean) / std)[None])[0].softmax(0)
        best = int(probabilities.argmax())
        print(f"{path}: class {best}, probability {float(probabilities[best]):.4f}")


main(*sys.argv[1:])
