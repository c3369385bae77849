"""Writes `checkpoints/` with PyTorch: small files of every form that `torch.save` has and every layout a
tensor can have, and in `answers.json` what PyTorch itself reads from them. Run with torch, numpy and
safetensors installed: `python3 checkpoints.py` (written by torch 2.15 and numpy 2.4)."""

import argparse
import collections
import datetime
import enum
import functools
import io
import json
import pathlib
import struct
import warnings
import zipfile
import zlib

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn

warnings.filterwarnings("ignore")
HERE = pathlib.Path(__file__).parent / "checkpoints"
STATES, FILES = {}, []


def bits(tensor):
    """Shape, and values as the bit patterns of f32, so that infinities and zeros stay what they are."""
    values = tensor.detach().resolve_neg().float().contiguous().flatten()
    return {"shape": list(tensor.shape), "bits": values.view(torch.int32).tolist()}


def is_counter(tensor):
    return tensor.dim() == 0 and not tensor.is_floating_point()


def plain(name):
    while name.startswith(("module.", "_orig_mod.")):
        name = name.split(".", 1)[1]
    return name


def expect(file, find, state, key=None):
    """What PyTorch reads from a file, `find` giving the state dict in it, is the answer; where another
    file has the same `state`, it must be equal."""
    path = HERE / file
    loaded = (
        load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=False)
    )
    found = {plain(k): v for k, v in find(loaded).items() if torch.is_tensor(v)}
    answer = {k: bits(v) for k, v in found.items() if not is_counter(v)}
    assert STATES.setdefault(state, answer) == answer, file
    FILES.append({"file": file, "key": key, "state": state})


def refuse(file, *parts, key=None):
    FILES.append({"file": file, "key": key, "refusal": parts})


def save(value, file, **options):
    torch.save(value, HERE / file, **options)


def whole(loaded):
    return loaded


def under(*keys):
    return lambda loaded: functools.reduce(lambda value, key: value[key], keys, loaded)


LEGACY = {"_use_new_zipfile_serialization": False}


def small():
    generator = torch.Generator().manual_seed(3)
    random = lambda *shape: torch.randn(*shape, generator=generator)
    return collections.OrderedDict(
        {
            "conv.weight": random(2, 3, 2, 2),
            "linear.weight": random(3, 4),
            "bn.running_mean": random(3),
            "bn.num_batches_tracked": torch.tensor(5),
        }
    )


def strided():
    state = small()
    state["conv.weight"] = state["conv.weight"].contiguous(memory_format=torch.channels_last)
    state["linear.weight"] = state["linear.weight"].t().contiguous().t()
    return state


def layouts():
    plain, same = small(), strided()
    assert plain["conv.weight"].stride() != same["conv.weight"].stride()
    save(plain, "plain.pt")
    save(same, "strided.pt")
    save(plain, "legacy.pth", **LEGACY)
    save(same, "legacy_strided.pth", **LEGACY)
    for file in ("plain.pt", "strided.pt", "legacy.pth", "legacy_strided.pth"):
        expect(file, whole, "small")

    row = torch.arange(60.0)
    views = {
        "shared.first": row[:12].view(3, 4),
        "shared.overlapping": row[5:14],
        "shared.step": row[3::7],
        "shared.strided": row.as_strided((3, 2, 2), (1, 20, 4), 2),
        "shared.diagonal": row[:49].view(7, 7).diagonal(),
        "cube.permuted": row[:24].view(2, 3, 4).permute(2, 0, 1),
        "expanded.ones": torch.ones(1).expand(4, 5),
        "expanded.rows": torch.arange(3.0)[:, None].expand(3, 4),
        "expanded.columns": torch.arange(6.0).view(2, 3)[:, None].expand(2, 2, 3),
        "scalar": torch.tensor(2.5),
        "scalar.of_row": row[42],
        "empty": torch.zeros(0),
        "empty.axes": torch.zeros(3, 0, 2),
        "empty.of_row": row[7:7],
        "volume": torch.arange(16.0)
        .view(1, 2, 2, 2, 2)
        .contiguous(memory_format=torch.channels_last_3d),
        # A conjugate's imaginary part is marked as negated and saved as it was.
        "imaginary": torch.tensor([1 + 2j, 3 - 4j, 0j]).conj().imag,
        "real": torch.tensor([1 + 2j, 3 - 4j]).conj().real,
    }
    assert views["imaginary"].is_neg()
    save(views, "views.pt")
    expect("views.pt", whole, "views")
    legacy = {k: v for k, v in views.items() if k not in ("imaginary", "real")}
    save(legacy, "legacy_views.pt", **LEGACY)
    expect("legacy_views.pt", whole, "legacy views")


def kinds():
    special = [0.1, -2.5, 65504.0, 6e-8, float("inf"), -float("inf"), -0.0, 1 / 3]
    special = torch.tensor(special, dtype=torch.float64)
    floats = {
        "half": special.half(),
        "bfloat": special.bfloat16(),
        "float": special.float(),
        "double": special,
        # Beyond f32: an infinity, zero and a tie between two neighbours.
        "double.range": torch.tensor([1e300, 1e-300, 1 + 2.0**-24], dtype=torch.float64),
        "count": torch.tensor(3),
    }
    save(floats, "floats.pt")
    save(floats, "legacy_floats.pt", **LEGACY)
    save_file(floats, HERE / "floats.safetensors")
    for file in ("floats.pt", "legacy_floats.pt", "floats.safetensors"):
        expect(file, whole, "floats")

    whole_numbers = {
        str(kind).split(".")[1]: torch.tensor([0, 1, 127]).to(kind)
        for kind in (torch.bool, torch.uint8, torch.uint16, torch.uint32, torch.uint64)
    }
    whole_numbers |= {
        str(kind).split(".")[1]: torch.tensor([0, -1, 127, torch.iinfo(kind).min]).to(kind)
        for kind in (torch.int8, torch.int16, torch.int32, torch.int64)
    }
    whole_numbers["tie"] = torch.tensor([2**24 + 1, 2**24 + 3])
    whole_numbers["count"] = torch.tensor(True)
    save(whole_numbers, "whole_numbers.pt")
    save_file(whole_numbers, HERE / "whole_numbers.safetensors")
    for file in ("whole_numbers.pt", "whole_numbers.safetensors"):
        expect(file, whole, "whole numbers")


def classes():
    state = small()
    state["conv.weight"] = nn.Parameter(state["conv.weight"])
    parameter = nn.Parameter(state["linear.weight"])
    parameter.note = "kept with its attributes"
    state["linear.weight"] = parameter
    state["bn.running_mean"] = nn.Buffer(state["bn.running_mean"])
    state["bn.num_batches_tracked"].note = [1, 2]
    state._metadata = {"": {"version": 1}}
    save(state, "classes.pt")
    expect("classes.pt", whole, "small")
    save(dict(state), "classes_protocol5.pt", pickle_protocol=5)
    expect("classes_protocol5.pt", whole, "small")
    save(collections.defaultdict(list, small()), "protocol1.pt", pickle_protocol=1)
    expect("protocol1.pt", whole, "small")
    save(small(), "legacy_protocol4.pt", pickle_protocol=4, **LEGACY)
    expect("legacy_protocol4.pt", whole, "small")


class Stage(enum.Enum):
    SEARCH = 1


class Meter:
    """As the training scripts of papers have it."""

    def __init__(self):
        self.values, self.count = [0.5], 2


def extras():
    weights = [nn.Parameter(torch.zeros(2))]
    optimizer = torch.optim.SGD(weights, 0.1, momentum=0.9)
    weights[0].sum().backward()
    optimizer.step()
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [60, 80])
    circle = [1]
    circle.append(circle)
    return {
        "epoch": 3,
        "best_acc": torch.tensor(77.5),
        "best_acc_top1": np.float64(77.5),
        "counts": [
            np.int64(3),
            np.bool_(True),
            np.float32(0.5),
            np.array([[1, 2]]),
            np.dtype("<f4"),
        ],
        "names": {0: "cat", 1: "dog", (2, 3): None, None: b"bytes", 1.5: 2**200, -1: -(2**70)},
        "device": torch.device("cuda:0"),
        "kinds": [torch.float16, torch.Size([2, 3]), torch.strided],
        "sets": [{1, 2}, frozenset([3]), set()],
        "functions": [torch.relu, len, functools.partial(max, 1), nn.Linear, Stage.SEARCH, Meter()],
        "args": argparse.Namespace(lr=0.1, layers=(1, 2), path=pathlib.PurePosixPath("a/b")),
        "time": [datetime.datetime(2020, 1, 2), datetime.timedelta(3), 2 + 3j, range(3), slice(1)],
        "containers": [collections.deque([1]), collections.Counter("ab"), bytearray(b"x"), circle],
        "random": torch.get_rng_state()[:8].clone(),
        "optimizer": optimizer.state_dict(),
        "optimizer_object": optimizer,
        "schedule": schedule.state_dict(),
        "schedule_object": schedule,
        "typed_storage": torch.zeros(2).storage(),
        "sparse": torch.eye(2).to_sparse(),
    }


def checkpoints():
    for file, options in {
        "extras.pth.tar": {},
        "extras_protocol4.pth": {"pickle_protocol": 4},
        "extras_legacy.pth.tar": LEGACY,
    }.items():
        save({**extras(), "state_dict": small()}, file, **options)
        expect(file, under("state_dict"), "small")
    save({"net": {**small(), "_extra_state": b"12", "note": np.float32(1)}}, "extras_within.pt")
    expect("extras_within.pt", under("net"), "small")

    compiled = list(small().items())
    prefixes = ["module.", "_orig_mod.", "module._orig_mod.", "_orig_mod.module."]
    compiled = {prefix + name: value for prefix, (name, value) in zip(prefixes, compiled)}
    save({"model": compiled}, "compiled.pt")
    expect("compiled.pt", under("model"), "small")

    zeros = {name: torch.zeros_like(value) for name, value in small().items()}
    several = {
        "model": zeros,
        "network": small(),
        "ema": {"model_state_dict": small()},
        "loss": zeros["bn.running_mean"],
    }
    save(several, "several.pt")
    refuse("several.pt", "under `model`, `network`", "`import --key`")
    expect("several.pt", under("model"), "zeros", key="model")
    expect("several.pt", under("network"), "small", key="network")
    expect("several.pt", under("ema", "model_state_dict"), "small", key="ema")
    refuse(
        "several.pt",
        "no tensor under `teacher`",
        "`ema`, `loss`, `model`, `network`",
        key="teacher",
    )
    refuse("several.pt", "one tensor under `loss`", key="loss")
    save(
        {"weights": small(), "optimizer": {"state": {0: {"momentum": torch.ones(1)}}}},
        "other_key.pt",
    )
    refuse(
        "other_key.pt",
        "no state dict under `state_dict`",
        "under `optimizer`, `weights`",
        "`import --key`",
    )
    expect("other_key.pt", under("weights"), "small", key="weights")


def rezipped(file, to, rename, method=zipfile.ZIP_DEFLATED):
    """Unpacked and packed again by another program, to a stream: sizes follow the records."""

    class Stream(io.RawIOBase):
        def __init__(self):
            self.parts = []

        def writable(self):
            return True

        def write(self, data):
            self.parts.append(bytes(data))
            return len(data)

    stream = Stream()
    with zipfile.ZipFile(HERE / file) as source, zipfile.ZipFile(stream, "w", method) as target:
        for info in source.infolist():
            name = rename + info.filename.split("/", 1)[1]
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), source.read(info), method)
    (HERE / to).write_bytes(b"".join(stream.parts))


def zip64(file, to):
    """All sizes and places in fields of 64 bits, and a comment at the end."""
    data, directory = b"", b""
    with zipfile.ZipFile(HERE / file) as source:
        records = [(info.filename.encode(), source.read(info)) for info in source.infolist()]
    for name, content in records:
        head = struct.pack("<HHHHHI", 45, 0, 0, 0, 33, zlib.crc32(content))
        wide = struct.pack("<HHQQ", 1, 16, len(content), len(content))
        ones = struct.pack("<II", 2**32 - 1, 2**32 - 1)
        other = struct.pack("<HH4s", 0x7855, 4, b"unix")
        extra = struct.pack("<HHQQQ", 1, 24, len(content), len(content), len(data))
        lengths = struct.pack("<HHHHHII", len(name), len(other + extra), 0, 0, 0, 0, 2**32 - 1)
        directory += b"PK\1\2\x2d\0" + head + ones + lengths + name + other + extra
        data += (
            b"PK\3\4"
            + head
            + ones
            + struct.pack("<HH", len(name), len(wide))
            + name
            + wide
            + content
        )
    counts = struct.pack("<QQQQ", len(records), len(records), len(directory), len(data))
    end64 = b"PK\6\6" + struct.pack("<QHHII", 44, 45, 45, 0, 0) + counts
    locator = b"PK\6\7" + struct.pack("<IQI", 0, len(data + directory), 1)
    comment = b"not PK\5\6 yet"
    end = b"PK\5\6" + struct.pack(
        "<HHHHIIH", 0, 0, 2**16 - 1, 2**16 - 1, 2**32 - 1, 2**32 - 1, len(comment)
    )
    (HERE / to).write_bytes(data + directory + end64 + locator + end + comment)


def big_endian(state, file):
    """As a machine of the other byte order writes it."""
    swapped = {k: v.clone().contiguous() for k, v in state.items()}
    for tensor in swapped.values():
        tensor.numpy().byteswap(inplace=True)
    save(swapped, file)
    with zipfile.ZipFile(HERE / file) as source:
        records = {info.filename: source.read(info) for info in source.infolist()}
    with zipfile.ZipFile(HERE / file, "w") as target:
        for name, content in records.items():
            content = b"big" if name.endswith("/byteorder") else content
            target.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)


def archives():
    rezipped("strided.pt", "deflated.pt", "renamed/")
    expect("deflated.pt", whole, "small")
    rezipped("strided.pt", "nested_folder.pt", "some/folder/", zipfile.ZIP_STORED)
    expect_as("nested_folder.pt", "small")
    rezipped("strided.pt", "without_folder.pt", "", zipfile.ZIP_STORED)
    expect_as("without_folder.pt", "small")
    zip64("strided.pt", "zip64.pt")
    expect("zip64.pt", whole, "small")
    big_endian(small(), "big_endian.pt")
    expect("big_endian.pt", whole, "small")
    torch.serialization.set_crc32_options(False)
    save(small(), "without_checksums.pt")
    torch.serialization.set_crc32_options(True)
    expect("without_checksums.pt", whole, "small")


def expect_as(file, state):
    """For an archive that PyTorch does not open, the numbers of the file that it was made from."""
    FILES.append({"file": file, "key": None, "state": state})


def refused():
    coordinate, rows = torch.eye(3).to_sparse(), torch.eye(3).to_sparse_csr()
    quantised = torch.quantize_per_tensor(torch.zeros(3), 0.1, 0, torch.quint8)
    nested = torch.nested.nested_tensor([torch.zeros(2)])
    for file, kind, tensor, options in [
        ("sparse.pt", "sparse", coordinate, {}),
        ("sparse_rows.pt", "sparse", rows, {}),
        ("sparse_legacy.pt", "sparse", coordinate, LEGACY),
        ("quantised.pt", "quantised", quantised, {}),
        ("complex.pt", "complex", torch.zeros(3, dtype=torch.complex64), {}),
        ("complex_legacy.pt", "complex", torch.zeros(3, dtype=torch.complex128), LEGACY),
        ("nested.pt", "nested", nested, {}),
        ("meta.pt", "without numbers", torch.zeros(3, device="meta"), {}),
        ("float8.pt", "float8_e4m3fn", torch.zeros(3).to(torch.float8_e4m3fn), {}),
    ]:
        save({"state_dict": {"a.weight": torch.zeros(2), "b.weight": tensor}}, file, **options)
        refuse(file, "tensor `b.weight` is", kind, "valid: dense tensors")
    save_file({"b.weight": torch.zeros(3).to(torch.float8_e4m3fn)}, HERE / "float8.safetensors")
    refuse("float8.safetensors", "tensor `b.weight` is F8_E4M3", "valid: F16")

    save(nn.Linear(2, 1), "module.pt")
    refuse("module.pt", "class `torch.nn.modules.linear.Linear`", "not run", "state_dict()")
    save({"model": nn.Linear(2, 1), "epoch": 2}, "module_in_checkpoint.pt")
    refuse(
        "module_in_checkpoint.pt",
        "under `model` an object of class `torch.nn.modules.linear.Linear`",
    )
    save({"net": {"w": torch.zeros(2), "layers": [nn.Linear(1, 1)]}}, "module_in_state.pt")
    refuse("module_in_state.pt", "under `net.layers.0` an object of class", "valid: a tensor")
    save(torch.zeros(2), "tensor.pt")
    refuse("tensor.pt", "holds one tensor and no name for it")
    save({"epoch": 3, "accuracy": np.float64(0.5)}, "without_tensors.pt")
    refuse("without_tensors.pt", "holds no tensor")
    torch.jit.script(nn.Linear(2, 1)).save(str(HERE / "script.pt"))
    refuse("script.pt", "TorchScript")


def main():
    HERE.mkdir(exist_ok=True)
    for old in HERE.iterdir():
        old.unlink()
    for make in (layouts, kinds, classes, checkpoints, archives, refused):
        make()
    answers = {"states": STATES, "files": FILES}
    (HERE / "answers.json").write_text(json.dumps(answers, separators=(",", ":")) + "\n")
    print(len(FILES), "answers for", len({f["file"] for f in FILES}), "files")


if __name__ == "__main__":
    main()
