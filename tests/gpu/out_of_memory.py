"""Memory of the device that another program holds: in plan, while a component is put on the device, and in the middle of a run.

    python tests/gpu/out_of_memory.py --binary target/release/tintype

Holds memory with PyTorch and starts the program beside it. Each time it must end with exit code 1 and a message of one kind,
write no picture that is not whole, and draw again once the memory is given back. Prints one JSON object, and ends with 1 where
something was not as it should be. Needs the device to itself.

- plan: little is held back before the program starts: it is refused before anything runs, or when its decoder is planned.
- put on the device: nearly all is taken while weights are read, which `-v` tells of.
- run: all is held once the first picture of `--seeds 1..60` is there. Everything that the pipeline needs is there too, so
  the others must be drawn. Then it is taken while a large picture is denoised, so that its decoder meets it: that works in
  smaller tiles, or ends and keeps the latents. The one moment that this cannot force is a launch without memory; the
  double of the driver does.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
MIB = 1 << 20
# What a message of each kind holds.
PLAN = ["needs", "are free", "picture of"]
BINDING = ["ran out of memory while", "was put on it"]
RUNNING = ["ran out of memory in the middle of a run"]
# Memory may also be gone when the decoder's turn comes, which plans its tiles by what is free then.
DECODING = ["decoding a picture of", "are free"]


class Hog:
    """Memory that is held."""

    def __init__(self) -> None:
        self.blocks = []

    def leave(self, left: int) -> int:
        """Takes all but so many bytes; gives what is free then."""
        torch.cuda.synchronize()
        free, _ = torch.cuda.mem_get_info()
        # Blocks of 64 MiB, so that no piece is too large; the last ones smaller.
        for size in (1024 * MIB, 64 * MIB, 2 * MIB):
            while free - size > left:
                try:
                    self.blocks.append(torch.empty(size, dtype=torch.uint8, device="cuda"))
                except torch.OutOfMemoryError:
                    break
                free, _ = torch.cuda.mem_get_info()
        return torch.cuda.mem_get_info()[0]

    def give_back(self) -> None:
        self.blocks.clear()
        torch.cuda.empty_cache()


def is_whole(path: Path) -> bool:
    data = path.read_bytes()
    return data.startswith(b"\x89PNG") and data.endswith(b"IEND\xaeB`\x82")


def ended(process: subprocess.Popen, timeout: float = 600) -> tuple[int, str]:
    # What a loop over its lines has buffered comes first, which `communicate` would lose.
    told = process.stderr.read()
    return process.wait(timeout), told


def start(binary: Path, folder: Path, more: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen:
    command = [str(binary), "generate", "a red apple", "--backend", "cuda", "--dtype", "bf16", *more]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, cwd=folder, env={**os.environ, **(environment or {})}, **pipes)


def told_until(process: subprocess.Popen, words: list[str]) -> str:
    """What it says up to the line that has all those words."""
    seen = ""
    for line in process.stderr:
        seen += line
        if all(word in line for word in words):
            break
    return seen


def verdict(folder: Path, code: int, told: str, kinds: list[list[str]]) -> dict:
    """Whether a run ended as it should."""
    kind = next((words for words in kinds if all(word in told for word in words)), None)
    whole = all(is_whole(path) for path in folder.glob("*.png"))
    message = [line for line in told.splitlines() if "are free" in line or "out of memory" in line or "code 2" in line]
    return {"exit": code, "kind": kind, "message": message, "whole": whole, "right": code == 1 and kind is not None and whole}


def again(binary: Path, folder: Path) -> bool:
    return ended(start(binary, folder, ["--seed", "1", "-o", "again.png"]))[0] == 0 and is_whole(folder / "again.png")


def in_plan(binary: Path, folder: Path, hog: Hog, context: int) -> dict:
    # A context and its code fit, the picture does not.
    free = hog.leave(context + 256 * MIB)
    code, told = ended(start(binary, folder, ["--width", "1024", "--height", "1024", "--vae-tile", "off", "-o", "a.png"]))
    return {"free_mib": free // MIB, **verdict(folder, code, told, [PLAN, BINDING])}


def while_put_on(binary: Path, folder: Path, hog: Hog, context: int) -> dict:
    # Most is held before, so that the rest is taken in a moment; kernels that must be compiled leave time for it.
    hog.leave(context + 4096 * MIB)
    more = ["-vv", "--width", "1024", "--height", "1024", "--vae-tile", "256", "-o", "b.png"]
    process = start(binary, folder, more, {"TINTYPE_KERNEL_CACHE": str(folder / "kernels")})
    seen = told_until(process, ["compiling"])
    # The driver's own words come first where so little is left that no kernel can be loaded; both are the same moment.
    hog.leave(4 * MIB)
    code, told = ended(process)
    kinds = [BINDING, RUNNING, DECODING]
    return verdict(folder, code, seen + told, kinds)


def in_a_run(binary: Path, folder: Path, hog: Hog, context: int) -> dict:
    more = ["--seeds", "1..60", "--steps", "60", "-o", "c.png"]
    process = start(binary, folder, more)
    first = folder / "c-seed1.png"
    deadline = time.monotonic() + 300
    while not first.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    hog.leave(0)
    small = ended(process)
    # Everything that a pipeline needs is there after its first picture: it may go on, with nothing left for anybody else.
    result = {"steady": {"exit": small[0], "pictures": len(list(folder.glob("c-seed*.png")))}}
    hog.give_back()
    # Now of a size whose decoder is put on the device when the denoiser is done: what it needs is taken meanwhile.
    hog.leave(context + 4096 * MIB)
    process = start(binary, folder, ["--width", "2048", "--height", "2048", "--steps", "200", "-vv", "-o", "d.png"])
    seen = told_until(process, ["conditioning", "denoiser: close"])
    time.sleep(0.2)
    hog.leave(8 * MIB)
    code, told = ended(process)
    kept = [path.name for path in folder.glob("d*") if "latents" in path.name]
    result.update(verdict(folder, code, seen + told, [RUNNING, BINDING, DECODING]))
    result["latents_kept"] = kept
    drawn = code == 0 and (folder / "d.png").exists() and result["whole"]
    result["right"] = small[0] == 0 and result["steady"]["pictures"] == 60 and (drawn or (result["right"] and bool(kept)))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    parser.add_argument("--context-mib", type=int, default=700, help="what a context and its libraries take of the device")
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("NOT RUN: tests/gpu/out_of_memory.py: PyTorch finds no CUDA device")
    binary, hog, report = arguments.binary.resolve(), Hog(), {"device": torch.cuda.get_device_name()}
    for name, part in (("plan", in_plan), ("put on the device", while_put_on), ("run", in_a_run)):
        with tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            try:
                result = part(binary, folder, hog, arguments.context_mib * MIB)
            finally:
                hog.give_back()
            result["next_run_works"] = again(binary, folder)
        report[name] = result
        print(f"{name}: {json.dumps(result)}", file=sys.stderr, flush=True)
    print(json.dumps(report, indent=2))
    parts = [part for part in report.values() if isinstance(part, dict)]
    sys.exit(0 if all(part["right"] and part["next_run_works"] for part in parts) else 1)


if __name__ == "__main__":
    main()
