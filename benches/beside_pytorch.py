"""Runs PyTorch beside Tintype: same weights, same inputs, in turns, never at once.

    cargo build --release -p tintype-cli
    python benches/beside_pytorch.py FOLDER                        (2.5 GB of generated models; writes FOLDER/result.json)
    python benches/beside_pytorch.py FOLDER --cases transformer:bf16 vae:f32 --rounds 20

Needs torch, diffusers and transformers of tests/fixtures/requirements.txt. A ratio is PyTorch's time over Tintype's: above
1, Tintype is faster. docs/benchmarks.md says how to read the rest.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import folders
from rounds import Turns, alternate, median_ratio
from safetensors.torch import load_file

HERE = Path(__file__).parent
CASES = [
    "transformer:f32",
    "transformer:bf16",
    "vae:f32",
    "vae:bf16",
    "t5:f32",
    "t5:bf16",
    "clip:f32",
    "clip:bf16",
    "pipeline:f32",
    "pipeline:bf16",
]
COMPONENTS = {"transformer": "transformer", "vae": "vae", "t5": "text_encoder_2", "clip": "text_encoder"}


def peaks(binary: Path, threads: int) -> dict[str, float]:
    """GFLOP/s of multiply-adds alone: one thread and all, f32 and, where the processor has it, bf16."""
    found = {}
    for dtype in ("f32", "bf16"):
        for count in sorted({1, threads}):
            command = [binary, "bench", "fma", "--dtype", dtype, "--threads", str(count), "--json"]
            answer = subprocess.run(command, capture_output=True, text=True)
            if answer.returncode == 0:
                rate = json.loads(answer.stdout)["work"]["flops_per_second"]
                found[f"{dtype} x {count}"] = rate / 1e9
    return found


def errors(saved: Path) -> dict[str, float]:
    """`|ours - theirs| / |theirs|` of every output."""
    ours, theirs = (load_file(saved / f"{name}.safetensors") for name in ("outputs", "pytorch"))
    found = {}
    for name, reference in theirs.items():
        a, b = ours[name].double(), reference.double()
        found[name] = float((a - b).norm() / b.norm())
    return found


def measure(case: str, arguments) -> dict:
    what, dtype = case.split(":")
    model = arguments.folder / "model"
    if what == "pipeline":
        folders.pipeline(model)
    else:
        model = folders.component(COMPONENTS[what], model)
    saved = arguments.folder / "saved" / case.replace(":", "-")
    saved.mkdir(parents=True, exist_ok=True)
    common = [what, "--model", str(model), "--dtype", dtype, "--threads", str(arguments.threads)]
    steps = ["--steps", str(arguments.steps)] if what == "pipeline" else []
    native = [str(arguments.binary), "bench", *common, *steps, "--backend", "cpu", "--engine", arguments.engine]
    # Inputs and outputs first: the other side reads the one, and is compared with the other.
    subprocess.run([*native, "--repeats", "1", "--save", str(saved)], check=True, stdout=subprocess.DEVNULL)
    torch = [sys.executable, str(HERE / "pytorch_side.py"), *common, *steps, "--saved", str(saved)]
    torch += ["--compile"] if arguments.compile else []
    a = Turns([*native, "--rounds-on-stdin", "--json"], arguments.threads)
    b = Turns(torch, arguments.threads)
    before = os.getloadavg()[0]
    pairs = alternate(a, b, arguments.rounds)
    result = {"case": case, "ratio": median_ratio(pairs), "pairs": pairs, "errors": errors(saved)}
    result |= {"load_before": before, "load_after": os.getloadavg()[0]}
    return result | {"tintype": a.finish(), "pytorch": b.finish()}


def row(result: dict) -> str:
    ours = result["tintype"]["seconds"]["summary"]["median"]
    rate = result["tintype"]["work"]["flops_per_second"] / 1e9
    ratio, error = result["ratio"], max(result["errors"].values())
    interval = f"{ratio['low']:.3f} to {ratio['high']:.3f}"
    return (
        f"{result['case']:18} {ours:9.4f} s {ours * ratio['median']:9.4f} s   {ratio['median']:6.3f}"
        f"   {interval:16} {rate:8.1f} GFLOP/s   {error:.1e}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="for generated models and results")
    parser.add_argument("--cases", nargs="+", default=CASES, choices=CASES, metavar="CASE")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4, help="of the pipeline")
    parser.add_argument("--compile", action="store_true", help="torch.compile the models")
    parser.add_argument("--engine", default="native", choices=["native", "torch"], help="of tintype: torch is the baseline in its process")
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser.add_argument("--binary", type=Path, default=target / "release/tintype")
    arguments = parser.parse_args()
    if arguments.rounds < 10:
        parser.error("--rounds: at least ten, or the interval means nothing")
    report = {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "command": sys.argv,
        "python": platform.python_version(),
        "torch_mode": "compile" if arguments.compile else "eager",
        "peak_gflops": peaks(arguments.binary, arguments.threads),
        "results": [],
    }
    print("  ".join(f"peak {name}: {rate:.1f} GFLOP/s" for name, rate in report["peak_gflops"].items()))
    print(f"{'case':18} {'tintype':>11} {'pytorch':>11}   {'ratio':>6}   {'95% interval':16} {'rate':>16}   error")
    for case in arguments.cases:
        result = measure(case, arguments)
        report["results"].append(result)
        print(row(result), flush=True)
        (arguments.folder / "result.json").write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
