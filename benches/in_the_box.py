"""The model in the box beside diffusers on the same folder: from process start to PNG, and in the loop, in turns.

    cargo build --release -p tintype-cli
    python benches/in_the_box.py --rounds 10

Both draw 20 steps with true CFG 1.5, as the folder's tintype.json says, in f32 on two threads. Prints one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rounds import Turns, alternate, median_ratio

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "models/emoji"
PROMPT = "a red heart"
THEIRS = """
import sys, time, json, torch
from diffusers import FluxPipeline
torch.set_num_threads(int(sys.argv[2]))
pipeline = FluxPipeline.from_pretrained(sys.argv[1], torch_dtype=torch.float32)
pipeline.set_progress_bar_config(disable=True)
def draw():
    with torch.inference_mode():
        return pipeline("%s", negative_prompt="", true_cfg_scale=1.5, num_inference_steps=20, width=128, height=128,
                        max_sequence_length=32, generator=torch.Generator().manual_seed(0)).images[0]
if len(sys.argv) > 3:
    draw().save(sys.argv[3])
else:
    draw()
    print("ready", flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        draw()
        print(time.perf_counter() - begun, flush=True)
    print(json.dumps({}))
""" % PROMPT


def timed(command: list[str], threads: int) -> float:
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    begun = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    arguments = parser.parse_args()
    threads = str(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        ours = [str(arguments.binary), "generate", PROMPT, "--threads", threads, "-o", f"{folder}/ours.png"]
        theirs = [sys.executable, "-W", "ignore", "-c", THEIRS, str(MODEL), threads, f"{folder}/theirs.png"]
        timed(ours, arguments.threads), timed(theirs, arguments.threads)
        cold = [(timed(ours, arguments.threads), timed(theirs, arguments.threads)) for _ in range(arguments.rounds)]
    bench = [str(arguments.binary), "bench", "pipeline", "--model", str(MODEL), "--dtype", "f32", "--threads", threads]
    bench += ["--width", "128", "--height", "128", "--text-tokens", "32", "--steps", "20", "--rounds-on-stdin", "--json"]
    a = Turns(bench, arguments.threads)
    b = Turns([sys.executable, "-W", "ignore", "-c", THEIRS, str(MODEL), threads], arguments.threads)
    warm = alternate(a, b, arguments.rounds)
    a.finish(), b.finish()
    found = {"load": os.getloadavg()[0], "threads": arguments.threads}
    for name, pairs in (("process start to PNG", cold), ("picture in a running process", warm)):
        found[name] = {"pairs": pairs, "ratio": median_ratio(pairs)}
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
