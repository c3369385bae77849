"""Measures a machine with a GPU, with binaries that `cargo xtask gpu --prepare` built, and writes gpu.json and gpu.md.

Needs Python 3.8 or later; PyTorch is measured beside the project where this Python has it.
"""

import argparse
import json
import os
import platform
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIZES = {
    "small": {"channels": 8, "cells": 5, "batch": 32, "image-channels": 1, "side": 28},
    "medium": {"channels": 12, "cells": 6, "batch": 48, "image-channels": 3, "side": 32},
    "large": {"channels": 16, "cells": 8, "batch": 64, "image-channels": 3, "side": 32},
}
# Of a part: less is not worth its start.
LEAST_SECONDS = 5
EXECUTIONS = ["dense", "exact-sparse", "sampled"]


class Report:
    """What was found so far, written after every part."""

    def __init__(self, out, minutes):
        self.out = out
        self.end = time.monotonic() + 60 * minutes
        self.parts = []
        self.found = {"machine": machine(), "parts": self.parts}

    def left(self):
        return self.end - time.monotonic()

    def add(self, name, **what):
        self.parts.append({"name": name, **what})
        self.write()
        print(f"{name}: {what.get('outcome', 'done')}, {what.get('seconds', 0):.0f} s", flush=True)

    def write(self):
        write(self.out / "gpu.json", json.dumps(self.found, indent=2) + "\n")
        write(self.out / "gpu.md", markdown(self.found))


def write(path, text):
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text(text)
    temporary.replace(path)


def told(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine():
    cpu = re.search(r"model name\s*: (.*)", told(["cat", "/proc/cpuinfo"]) or "")
    torch = told([sys.executable, "-c", "import torch; print(torch.__version__)"])
    query = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    return {
        "gpu": told(["nvidia-smi", *query]) or "not told",
        "processor": cpu.group(1) if cpu else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "torch": torch or "none",
    }


def run(command, limit, **options):
    """Runs a command and says how it ended: outcome, seconds, and the end of what it wrote."""
    begun = time.monotonic()
    if limit < LEAST_SECONDS:
        return {"outcome": "no time left", "seconds": 0, "written": "", "errors": ""}
    pipe = subprocess.PIPE
    try:
        # In a group of its own, so that what it started is ended with it.
        process = subprocess.Popen(
            command, stdout=pipe, stderr=pipe, text=True, cwd=HERE, start_new_session=True, **options
        )
    except OSError as error:
        return {"outcome": f"cannot run: {error}", "seconds": 0, "written": "", "errors": ""}
    try:
        written, errors = process.communicate(timeout=limit)
        outcome = "ok" if process.returncode == 0 else f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        written, errors = process.communicate()
        outcome = f"stopped after {limit:.0f} s"
    return {
        "outcome": outcome,
        "seconds": time.monotonic() - begun,
        "written": written[-20000:],
        "errors": errors[-4000:],
    }


def binary(name):
    return str(HERE / "bin" / name)


def works(report, backend):
    """Whether a device works for it; if none does, why is told once."""
    # Looks for a device, and ends, as nothing asks for a step.
    command = [binary("step"), "--backend", backend]
    done = run(command, min(120, report.left()), stdin=subprocess.DEVNULL)
    if done["outcome"] != "ok":
        reason = done["errors"].strip().splitlines()[-1:]
        done["outcome"] = "; ".join(["left out", *reason])
        report.add(f"backend {backend}", **done)
        return False
    return True


def tests(report, backends):
    for backend in backends:
        runtime = "cuda" if backend == "cuda" else "wgpu"
        for crate in ["egs-core", "supernet"]:
            done = run([binary(crate), f"{runtime}::", "--test-threads=4"], min(200, report.left()))
            counts = re.findall(r"(\d+) passed; (\d+) failed", done["written"])
            failed = re.findall(r"^test (\S+) \.\.\. FAILED", done["written"], re.M)
            if counts:
                passed, broken = counts[-1]
                done["outcome"] = f"{passed} passed, {broken} failed" + "".join(f", {name}" for name in failed)
            report.add(f"kernel tests of {crate} on {backend}", **done)


def estimator(report, backends):
    runtimes = ["cuda" if backend == "cuda" else "wgpu" for backend in backends]
    environment = {
        **os.environ,
        "EGS_BENCH_SIZES": "small,medium",
        "EGS_BENCH_BACKENDS": ",".join(["flex", *runtimes]),
    }
    done = run([binary("egs")], min(90, report.left()), env=environment)
    report.add("estimator", **done)


class Steps:
    """A process that takes one alternating step for each line it is sent."""

    def __init__(self, command):
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=HERE)

    def step(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(self.process.stderr.read().strip()[-500:] or "ended early")
        return json.loads(line)

    def stop(self):
        self.process.kill()
        self.process.wait()


def timed(command, rounds, limit):
    """Seconds of the first step, and the median of later ones; a step may cost what the limit leaves."""
    begun = time.monotonic()
    steps = Steps(command)
    # The first step compiles and tunes, and may take what time there is.
    watchdog = threading.Timer(2 * limit, steps.process.kill)
    watchdog.start()
    try:
        first = steps.step()
        # Operations are tuned as they are met, and each code meets others.
        seconds = []
        while len(seconds) < 2 * rounds and time.monotonic() - begun < limit:
            answer = steps.step()
            seconds.append(answer["seconds"])
        later = sorted(seconds[len(seconds) // 2 :])
        if not later:
            return {"outcome": f"no second step within {limit:.0f} s", "first": first["seconds"]}
        return {
            "outcome": "ok",
            "first": first["seconds"],
            "step": later[len(later) // 2],
            "steps": len(seconds) + 1,
            "peak_mib": answer["peak_mib"],
            "loss": answer["loss"],
        }
    except (RuntimeError, OSError, ValueError) as error:
        return {"outcome": str(error)}
    finally:
        watchdog.cancel()
        steps.stop()


def steps(report, backends, sizes, rounds):
    has_torch = report.found["machine"]["torch"] != "none"
    for name in sizes:
        words = [word for field, value in SIZES[name].items() for word in (f"--{field}", str(value))]
        contestants = {}
        if has_torch:
            contestants["PyTorch, cuda"] = [sys.executable, "peer/step.py", *words, "--device", "cuda"]
        for backend in backends:
            for execution in EXECUTIONS:
                command = [binary("step"), *words, "--backend", backend, "--execution", execution]
                contestants[f"{backend}, {execution}"] = command
        for contestant, command in contestants.items():
            if report.left() < 20:
                report.add(f"step, {name}, {contestant}", outcome="no time left")
                continue
            begun = time.monotonic()
            done = timed(command, rounds, min(40, report.left() / 2))
            report.add(f"step, {name}, {contestant}", seconds=time.monotonic() - begun, **done)


def searches(report, backends, epochs):
    for backend in [*backends, "flex"]:
        out = report.out / f"search-{backend}"
        words = ["run", "--backend", backend, "--epochs", str(epochs), "--out", str(out), "--quiet"]
        words += ["--set", "search.warmup_epochs=1"]
        done = run([binary("search"), *words], min(150, report.left()))
        result = out / "result.json"
        if result.is_file():
            done["result"] = json.loads(result.read_text())
        report.add(f"search on {backend}", **done)


def portability(report, backends):
    """Each GPU backend beside the CPU, and all before it."""
    before = []
    for backend in backends:
        out = report.out / f"portability-{backend}"
        words = ["--backends", f"flex,{backend}", "--out", str(out), *before]
        done = run([binary("search"), "portability", *words], min(170, report.left()))
        if (out / "portability.md").is_file():
            done["table"] = (out / "portability.md").read_text()
            before += ["--against", str(out / "portability.json")]
        report.add(f"comparison of {backend} with flex", **done)


def markdown(found):
    text = "# A search on this machine\n\n"
    for name, value in found["machine"].items():
        text += f"- {name}: {value}\n"
    text += "\n| part | outcome | seconds |\n|---|---|---|\n"
    for part in found["parts"]:
        if not part["name"].startswith("step, "):
            outcome = part["outcome"].replace("|", "\\|").replace("\n", " ")
            text += f"| {part['name']} | {outcome} | {part.get('seconds', 0):.0f} |\n"
    timed = [part for part in found["parts"] if part["name"].startswith("step, ")]
    if timed:
        text += "\n## One alternating step\n\n"
        text += "| size | contestant | first step s | step ms | of PyTorch's | loss |\n|---|---|---|---|---|---|\n"
    peers = {part["name"].split(", ")[1]: part for part in timed if "PyTorch" in part["name"]}
    for part in timed:
        _, size, contestant = part["name"].split(", ", 2)
        if "step" not in part:
            text += f"| {size} | {contestant} | {part['outcome'].splitlines()[-1]} | | | |\n"
            continue
        peer = peers.get(size, {}).get("step")
        share = f"{part['step'] / peer:.2f}" if peer else "-"
        text += f"| {size} | {contestant} | {part['first']:.1f} | {1e3 * part['step']:.1f} | {share} | {part['loss']:.3f} |\n"
    for part in found["parts"]:
        if part["name"] == "estimator" and part["written"]:
            text += f"\n## The {part['name']}\n\n{part['written'].strip()}\n"
        if "table" in part:
            text += f"\n## {part['name'].capitalize()}\n\n" + part["table"].split("\n", 2)[2].replace("\n## ", "\n### ")
        if part["name"].startswith("search on ") and "result" in part:
            outcome = part["result"]
            text += f"\n- {part['name']}: {json.dumps({k: outcome[k] for k in KEPT if k in outcome})}\n"
    return text


KEPT = ["seed", "supernet", "child", "gap", "test", "seconds"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "found", help="folder for what is found")
    parser.add_argument("--minutes", type=float, default=9.5, help="stop after this long")
    parser.add_argument("--backends", default=None, help="of those that were built, such as cuda,vulkan")
    parser.add_argument("--parts", default="portability,tests,searches,estimator,steps")
    parser.add_argument("--sizes", default="small,medium,large")
    parser.add_argument("--rounds", type=int, default=8, help="steps that count")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each search")
    args = parser.parse_args()
    args.out = args.out.resolve()
    args.out.mkdir(parents=True, exist_ok=True)
    built = (HERE / "backends").read_text().split()
    backends = args.backends.split(",") if args.backends else built
    report = Report(args.out, args.minutes)
    report.write()
    # Errors are sentences; what lies behind them is not for a table.
    os.environ["RUST_BACKTRACE"] = "0"
    backends = [backend for backend in backends if works(report, backend)]
    for part in args.parts.split(","):
        if part == "portability":
            portability(report, backends)
        elif part == "tests":
            tests(report, backends)
        elif part == "searches":
            searches(report, backends, args.epochs)
        elif part == "estimator":
            estimator(report, backends)
        elif part == "steps":
            steps(report, backends, args.sizes.split(","), args.rounds)
        else:
            sys.exit(f"error: `--parts` names `{part}`; valid: portability, tests, searches, estimator, steps")
    print(f"wrote {args.out / 'gpu.json'} and {args.out / 'gpu.md'}")


if __name__ == "__main__":
    main()
