"""Holds what Tintype says of its memory against what the system says, on a generated model of more than 2 GiB.

    cargo build --release -p tintype-cli
    python benches/memory.py FOLDER            (4 GB of generated model)

Anonymous resident memory is what a process holds beyond the pages of files; weights in f32 lie in their mapped file and
are no part of it. It must stay within the arenas, what is registered as derived from weights, and 64 MiB; and the
planner's figure must be within 5% of what was used. Exits with 1 where either does not hold.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

import folders

MIB = 1 << 20
SLACK = 64 * MIB
HERE = Path(__file__).parent


def table(rows: list[tuple[str, int]]) -> None:
    for name, size in rows:
        print(f"{name:44} {size / MIB:10.1f} MiB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--side", type=int, default=512, help="pixels across and down")
    parser.add_argument("--steps", type=int, default=3)
    target = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target"))
    parser.add_argument("--binary", type=Path, default=target / "release/tintype")
    arguments = parser.parse_args()
    model = folders.pipeline(arguments.folder, num_layers=2, num_single_layers=4, num_attention_heads=16)
    stored = sum(file.stat().st_size for file in model.rglob("*.safetensors"))
    side = str(arguments.side)
    command = [arguments.binary, "bench", "pipeline", "--model", model, "--dtype", arguments.dtype, "--width", side]
    command += ["--height", side, "--steps", str(arguments.steps), "--threads", str(arguments.threads)]
    command += ["--warmup", "0", "--repeats", "1", "--json"]
    answer = subprocess.run(list(map(str, command)), check=True, stdout=subprocess.PIPE, text=True)
    memory = json.loads(answer.stdout)["memory"]
    process = memory["process"]
    if process is None:
        raise SystemExit("this system does not tell a process's anonymous memory")
    used = process["anonymous_peak"] - process["anonymous_before"]
    planned = memory["weights"] + memory["derived"] + memory["arenas"] + memory["data"]
    bound = memory["arenas"] + memory["derived"] + SLACK
    table([("weights on disk", stored)])
    table([(f"report: {name}", memory[name]) for name in ("mapped", "weights", "derived", "arenas", "data", "peak")])
    table([(f"system: {name.replace('_', ' ')}", size) for name, size in process.items()])
    table([("anonymous, at most", process["anonymous_peak"]), ("bound: arenas + derived + 64 MiB", bound)])
    off = (used - planned) / planned
    print(f"{'the growth against the planned figure':44} {off:+10.1%}")
    holds = {
        "the model has 2 GiB or more": stored >= 2 << 30,
        "anonymous memory is within the bound": process["anonymous_peak"] <= bound,
        "the planned figure is within 5%": abs(off) <= 0.05,
    }
    for claim, held in holds.items():
        print(f"{'yes' if held else 'NO ':4}{claim}")
    return 0 if all(holds.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
