"""The error of bf16 against f32 over eight seeds, ours and diffusers', on one GPU, from the same latents.

    python tests/gpu/bf16.py --binary target/release/tintype

The model in the box, 20 steps. Errors are root mean squares in levels of the 8-bit picture. Prints one JSON object.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers import FluxPipeline
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "models/emoji"
PROMPT = "a red apple"
SIDE = 128


def ours(binary: Path, folder: str, dtype: str, seed: int) -> np.ndarray:
    path = f"{folder}/{dtype}-{seed}.png"
    command = [binary, "generate", PROMPT, "--backend", "cuda", "--dtype", dtype, "--noise-dtype", "f32"]
    subprocess.run([*command, "--seed", str(seed), "-o", path], check=True, capture_output=True)
    return np.asarray(Image.open(path)).astype(float)


def theirs(pipeline: FluxPipeline, dtype: torch.dtype, seed: int) -> np.ndarray:
    channels, side = pipeline.transformer.config.in_channels // 4, SIDE // pipeline.vae_scale_factor
    latents = torch.randn((1, channels, side, side), generator=torch.Generator().manual_seed(seed))
    latents = pipeline._pack_latents(latents, 1, channels, side, side).to("cuda", dtype)
    picture = pipeline(
        PROMPT, negative_prompt="", true_cfg_scale=1.5, num_inference_steps=20, height=SIDE, width=SIDE,
        max_sequence_length=32, latents=latents,
    ).images[0]
    return np.asarray(picture).astype(float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    arguments = parser.parse_args()
    pipelines = {}
    for dtype in (torch.float32, torch.bfloat16):
        pipelines[dtype] = FluxPipeline.from_pretrained(MODEL, torch_dtype=dtype).to("cuda")
        pipelines[dtype].set_progress_bar_config(disable=True)
    rms = lambda a, b: float(np.sqrt(((a - b) ** 2).mean()))  # noqa: E731
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(1, 9):
            a, b = (ours(arguments.binary, folder, dtype, seed) for dtype in ("f32", "bf16"))
            c, d = (theirs(pipelines[dtype], dtype, seed) for dtype in (torch.float32, torch.bfloat16))
            rows.append({"seed": seed, "ours": rms(a, b), "diffusers": rms(c, d), "f32_apart": float(abs(a - c).max())})
    mean = lambda key: sum(row[key] for row in rows) / len(rows)  # noqa: E731
    print(json.dumps({"seeds": rows, "ratio": mean("ours") / mean("diffusers")}, indent=2))


if __name__ == "__main__":
    main()
