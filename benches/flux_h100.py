"""All that is claimed of Flux.1-dev on an H100, by one command: a step, and what stands around it.

    cargo build --release -p tintype-cli --features cuda
    python benches/flux_h100.py
    python benches/flux_h100.py --only cold --only upload

Weights are random, of the published sizes. Parts that need weights in files (`cold`, `upload`) write 34 GB to `--folder`, which
should be in memory, and remove them at the end unless `--keep` is given. `step` needs PyTorch and diffusers; `small` sums the times
of kernels where `--kernels` names the library of benches/kernels/record.c. Results go to benches/results/DEVICE-DATE: one JSON
file a run, `summary.json`, and plots where matplotlib is there. A part that fails is told, the others go on, and the exit code is 1.
"""

import argparse
import csv
import datetime
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import flux_h100_plots as plots

ROOT = Path(__file__).resolve().parents[1]
SIZE = ["--width", "1024", "--height", "1024", "--text-tokens", "512"]
PRESETS = {  # of each module, by the whole model's preset
    "flux-dev": {"transformer": "flux-dev", "t5": "t5-xxl", "clip": "clip-l", "vae": "flux", "size": SIZE},
    "tiny": {
        "transformer": "tiny", "t5": "tiny", "clip": "tiny", "vae": "tiny",
        "size": ["--width", "64", "--height", "64", "--text-tokens", "16"],
    },
}
EMOJI = ["--model", str(ROOT / "models/emoji"), "--width", "128", "--height", "128"]
EMOJI_STEPS, EMOJI_TOKENS, EMOJI_PASSES = 20, "32", 2  # true CFG: its tintype.json asks for a second pass


class Runs:
    """Runs the program and keeps what it says."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.folder = arguments.out or self.place()
        self.scratch = Path(tempfile.mkdtemp())
        self.presets = PRESETS[arguments.preset]

    def bench(self, name: str, *words: str, environment: dict[str, str] | None = None) -> dict:
        device = ["--backend", self.arguments.backend, "--json"]
        command = [str(self.arguments.binary), "bench", *words, *device]
        print("$", " ".join(command), file=sys.stderr, flush=True)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}")
        result = json.loads(done.stdout)
        return self.keep(name, result)

    def keep(self, name: str, result: dict) -> dict:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.json").write_text(json.dumps(result, indent=2) + "\n")
        return result

    def place(self) -> Path:
        """By the device's name and the day."""
        command = [str(self.arguments.binary), "devices", "--json"]
        told = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
        found = [device for entry in told if entry["backend"] == self.arguments.backend for device in entry["probe"]["devices"]]
        if not found:
            raise SystemExit(f"no device of backend `{self.arguments.backend}`: `tintype devices` says why")
        device = found[0]["name"]
        slug = re.sub(r"[^a-z0-9]+", "-", device.lower().replace("nvidia ", "")).strip("-")
        return ROOT / "benches/results" / f"{slug}-{datetime.date.today()}"

    def model(self) -> list[str]:
        """The folder with weights, written when it is first asked for."""
        folder = self.arguments.folder
        command = [str(self.arguments.binary), "bench", "folder", "--preset", self.arguments.preset]
        subprocess.run([*command, "--dtype", "bf16", "--save", str(folder)], check=True, stdout=subprocess.DEVNULL)
        return ["--model", str(folder)]

    @property
    def preset(self) -> list[str]:
        return ["--preset", self.arguments.preset, "--dtype", "bf16"]

    @property
    def size(self) -> list[str]:
        return self.presets["size"]

    @property
    def repeats(self) -> list[str]:
        return ["--repeats", str(self.arguments.repeats)]


def step(runs: Runs) -> dict:
    """A step beside compiled PyTorch, in turns."""
    script = [sys.executable, str(ROOT / "benches/flux_on_gpu.py"), "--binary", str(runs.arguments.binary)]
    done = subprocess.run([*script, "--rounds", "6"], stdout=subprocess.PIPE, text=True, check=True)
    result = runs.keep("step", json.loads(done.stdout))
    ours, theirs = (statistics.median(pair[i] for pair in result["rounds"]) for i in (0, 1))
    return {"ours_ms": 1e3 * ours, "pytorch_ms": 1e3 * theirs, "pytorch_over_ours": result["theirs_over_ours"]}


def modules(runs: Runs) -> dict:
    """T5, CLIP and the decoder at full size."""
    summary = {}
    for what in ("t5", "clip", "vae"):
        words = [what, "--preset", runs.presets[what], "--dtype", "bf16", *runs.repeats]
        if what == "vae":
            words += runs.size[:4]
        seconds = runs.bench(what, *words)["seconds"]
        summary[f"{what}_ms"] = 1e3 * seconds["summary"]["median"]
        summary[f"{what}_busy_ms"] = 1e3 * seconds["busy"]
    return summary


def pipeline(runs: Runs) -> dict:
    """Prompt to PNG, 28 steps, warm."""
    words = [*runs.preset, *runs.size, "--steps", "28", "--png", str(runs.scratch / "picture.png")]
    result = runs.bench("pipeline", "pipeline", *words, "--repeats", "5")
    seconds = result["seconds"]["summary"]
    counted = result["counters"]["steady"]
    return {
        "seconds": seconds["median"], "least": seconds["min"], "most": seconds["max"], "wanted": 3.7,
        "compiles": counted["compiles"], "captures": counted["captures"], "fallbacks": counted["fallbacks"],
    }


def cold(runs: Runs) -> dict:
    """A second process, from main to its first step; and the vendor's own parts, in turns."""
    words = ["cold", *runs.model(), *runs.size, "--steps", "28", "--png", str(runs.scratch / "picture.png")]
    runs.bench("cold-first", *words)  # fills the kernel cache and the page cache
    rounds, alone = [], []
    for i in range(runs.arguments.rounds):
        # By itself too: while the process that starts it lives, the device is awake.
        alone.append(runs.bench(f"bare-{i}", "bare"))
        rounds.append(runs.bench(f"cold-{i}", *words))
    starts = [result["startup"] for result in rounds]
    without = [start["first_step"] - start["loading"] for start in starts]
    bare = [sum(took for _, took in each["made"]) if each else 0.0 for each in alone]
    rates = [start["loaded"] / start["loading"] for start in starts]
    summary = {
        "without_loading": statistics.median(without), "bare": statistics.median(bare),
        "above_bare": statistics.median(a - b for a, b in zip(without, bare)), "wanted_above_bare": 0.5,
        "first_step": statistics.median(start["first_step"] for start in starts),
        "loading_gb_per_s": statistics.median(rates) / 1e9,
        "compiles": max(result["counters"]["start"]["compiles"] for result in rounds),
    }
    if alone[0] and alone[0]["upload"]:
        shares = [rate / each["upload"] for rate, each in zip(rates, alone)]
        summary |= {"loading_share_of_pinned": statistics.median(shares), "wanted_share": 0.8}
    plots.cold(runs.folder, rounds[-1])
    return summary


def upload(runs: Runs) -> dict:
    """All weights to the device: of files read, of files mapped, of memory; and by how many threads."""
    pinned = runs.bench("bare", "bare")
    model, often = runs.model(), ["--repeats", "3"]
    cases = {"read": [*model], "mapped": [*model, "--mapped"]}
    cases |= {f"read-{threads}-threads": [*model, "--threads", str(threads)] for threads in (2, 4, 8, 12, 16)}
    if runs.arguments.memory:
        cases["memory"] = runs.preset
    rates, first = {}, {}
    for name, words in cases.items():
        result = runs.bench(f"upload-{name}", "upload", *words, *often)
        rates[name] = result["work"]["bytes_per_second"] / 1e9
        first[name] = result["work"]["bytes"] / result["seconds"]["cold"] / 1e9
    summary = {"gb_per_s": rates, "first_time_gb_per_s": first}
    if pinned and pinned["upload"]:
        summary |= {"pinned_gb_per_s": pinned["upload"] / 1e9, "share_of_pinned": 1e9 * rates["read"] / pinned["upload"]}
        summary["wanted_share"] = 0.8
    plots.upload(runs.folder, summary)
    return summary


def launch(runs: Runs) -> dict:
    """What the host spends in the call that launches a step."""
    words = ["transformer", "--preset", runs.presets["transformer"], "--dtype", "bf16", "--repeats", "50"]
    seconds = runs.bench("launch", *words)["seconds"]
    micro = {name: 1e6 * value for name, value in seconds["launch"].items()}
    return {"launch_us": micro["median"], "spread_us": micro, "wanted_us": 50, "step_ms": 1e3 * seconds["summary"]["median"]}


def small(runs: Runs) -> dict:
    """The model in the box: a whole picture beside what its modules and its kernels take."""
    picture = ["pipeline", *EMOJI, "--text-tokens", EMOJI_TOKENS, "--steps", str(EMOJI_STEPS)]
    result = runs.bench("small-pipeline", *picture, *runs.repeats)
    times = {"clip": EMOJI_PASSES, "t5": EMOJI_PASSES, "transformer": EMOJI_PASSES * EMOJI_STEPS, "vae": 1}
    busy, launches = {}, {}
    for what, count in times.items():
        words = [what, *EMOJI] + (["--text-tokens", EMOJI_TOKENS] if what in ("t5", "transformer") else [])
        seconds = runs.bench(f"small-{what}", *words, *runs.repeats)["seconds"]
        busy[what] = 1e3 * seconds["busy"] * count
        launches[what] = 1e6 * seconds["launch"]["median"]
    summary = {
        "picture_ms": 1e3 * result["seconds"]["summary"]["median"], "modules_busy_ms": sum(busy.values()),
        "busy_ms": busy, "launch_us": launches,
    }
    if runs.arguments.kernels:
        # What one picture takes is what ten more pictures take more: all that is done once is in both.
        sums = [kernels(runs, [*picture, "--repeats", str(count)]) for count in (10, 20)]
        summary["kernels_ms"] = 1e3 * (sums[1] - sums[0]) / 10
    return summary


def kernels(runs: Runs, words: list[str]) -> float:
    """Seconds of all kernels of a process, as CUPTI saw them."""
    times = runs.scratch / "times.csv"
    environment = {"CUDA_INJECTION64_PATH": str(runs.arguments.kernels.resolve()), "KERNEL_TIMES": str(times)}
    runs.bench("small-kernels", *words, environment=environment)
    with times.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["grid"]]
    return sum(int(row["sum_ns"]) for row in rows) / 1e9


def sizes(runs: Runs) -> dict:
    """Three sizes in one process with one set of weights."""
    words = ["sizes", "--preset", runs.presets["transformer"], "--dtype", "bf16", "--repeats", "5"]
    if runs.arguments.preset == "tiny":
        words += ["--sizes", "64x64,96x48,32x32"]
    result = runs.bench("sizes", *words)
    keys = ("width", "height", "planned_arena", "workspace", "grown_arenas", "free")
    rows = [{key: at[key] for key in keys} | {"weights": at["memory"]["weights"]} for at in result["at_sizes"]]
    return {"sizes": rows, "weights_once": len({row["weights"] for row in rows}) == 1}


PARTS = {part.__name__: part for part in (launch, pipeline, cold, upload, sizes, small, modules, step)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", action="append", choices=PARTS, metavar="PART", help=f"of {', '.join(PARTS)}; again for more")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    parser.add_argument("--backend", default="cuda")
    parser.add_argument("--preset", choices=PRESETS, default="flux-dev", help="`tiny` shows that everything runs, and nothing else")
    parser.add_argument("--folder", type=Path, default=Path("/dev/shm/tintype-flux"), help="for 34 GB of weights")
    parser.add_argument("--keep", action="store_true", help="leave the weights there for the next time")
    parser.add_argument("--out", type=Path, help="for the results; benches/results/DEVICE-DATE where none is named")
    parser.add_argument("--kernels", type=Path, help="the library made of benches/kernels/record.c")
    parser.add_argument("--memory", action="store_true", help="upload from ordinary memory as well, 34 GB more of it")
    parser.add_argument("--rounds", type=int, default=5, help="processes of `cold`")
    parser.add_argument("--repeats", type=int, default=20, help="of `modules` and `small`")
    arguments = parser.parse_args()
    runs, failed, there = Runs(arguments), [], arguments.folder.exists()
    for name in arguments.only or PARTS:
        try:
            summary = PARTS[name](runs)
        except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed.append(name)
            continue
        print(json.dumps({name: summary}, indent=2), flush=True)
        path = runs.folder / "summary.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        runs.keep("summary", {**known, name: summary})
    shutil.rmtree(runs.scratch)
    # What was there before is not this script's to remove.
    if not arguments.keep and not there and arguments.folder.exists():
        shutil.rmtree(arguments.folder)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
