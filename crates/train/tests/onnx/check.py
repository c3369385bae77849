"""Checks that onnxruntime computes what networks of this project do: has `cargo test` write small networks of
each task as ONNX files with some inputs and their answers, looks through the files with onnx's checker, and runs
them, as a whole batch and one example at a time. Run with onnx and onnxruntime from PyPI installed:
`python3 check.py`."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import numpy
    import onnx
    import onnxruntime
except ImportError as error:
    sys.exit(f"{error}; needed are two packages of PyPI: {sys.executable} -m pip install onnx onnxruntime")

HERE = Path(__file__).parent
MOST = 1e-4


def write_networks(folder):
    command = ["cargo", "test", "--package", "train", "--test", "all", "onnx::files"]
    environment = os.environ | {"ONNX_OUT": str(folder)}
    subprocess.run(command, check=True, env=environment, cwd=HERE)


def tensor(numbers, kind="tensor(float)"):
    values = numpy.array(numbers["values"], numpy.float32).reshape(numbers["shape"])
    return values.astype(numpy.int64) if kind == "tensor(int64)" else values


def check(file):
    """The largest difference between an answer and what onnxruntime says."""
    onnx.checker.check_model(onnx.load(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    case = json.loads(file.with_suffix(".json").read_text())
    inputs = {port.name: tensor(case["inputs"][port.name], port.type) for port in session.get_inputs()}
    answers = {port.name: tensor(case["outputs"][port.name]) for port in session.get_outputs()}
    batch = len(next(iter(inputs.values())))
    largest = 0.0
    for rows in [slice(None)] + [slice(row, row + 1) for row in range(batch)]:
        said = session.run(list(answers), {name: values[rows] for name, values in inputs.items()})
        for answer, values in zip(answers.values(), said, strict=True):
            assert values.shape == answer[rows].shape, (values.shape, answer.shape)
            largest = max(largest, float(numpy.abs(values - answer[rows]).max()))
    return largest, max(float(numpy.abs(answer).max()) for answer in answers.values())


def main():
    with tempfile.TemporaryDirectory() as folder:
        write_networks(folder)
        files = sorted(Path(folder).glob("*.onnx"))
        wrong = len(files) == 0
        for file in files:
            difference, size = check(file)
            wrong |= not difference <= MOST
            print(f"{file.stem:26} largest difference {difference:.1e} of answers up to {size:.2f}")
    sys.exit(f"differs by more than {MOST}" if wrong else 0)


if __name__ == "__main__":
    main()
