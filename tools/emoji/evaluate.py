"""Draws 300 names with diffusers on the CPU and looks for the nearest real pictures.

`evaluate.py FOLDER captions.tsv PICTURES.npz SHEET.png [COUNT]`; size, steps and guidance are those of FOLDER/tintype.json.
"""

import json
import random
import sys
from pathlib import Path

import torch
from diffusers import FluxPipeline

from render import load
from retrieval import Gallery
from sheet import save_sheet
from variants import prompt, read


def group(name: str) -> str:
    if name.startswith("flag-"):
        return "flags"
    return "clock faces" if name.endswith(("-oclock", "-thirty")) else "others"


def main(folder: Path, list_file: Path, pictures: Path, sheet: Path, count: int) -> None:
    own = json.loads((folder / "tintype.json").read_text())
    names, _, pixels = load(pictures)
    gallery = Gallery(torch.from_numpy(pixels).permute(0, 3, 1, 2) / 127.5 - 1, names)
    pipeline = FluxPipeline.from_pretrained(folder, torch_dtype=torch.float32)
    pipeline.set_progress_bar_config(disable=True)
    chooser = random.Random(1)
    made, asked = [], []
    for i, entry in enumerate(chooser.sample(read(list_file), count)):
        picture = pipeline(
            prompt(entry, chooser.choice(entry.styles)),
            negative_prompt=own.get("negative"),
            true_cfg_scale=own.get("true_cfg", 1.0),
            num_inference_steps=own["steps"],
            width=own["width"],
            height=own["height"],
            max_sequence_length=own["max_sequence_length"],
            generator=torch.Generator().manual_seed(i),
            output_type="pt",
        ).images
        # As a file holds it: 8 bits.
        made.append((picture * 255).round() / 127.5 - 1)
        asked.append(entry.name)
    made = torch.cat(made)
    save_sheet(sheet, made[:64])
    first, five = gallery.score(made, asked)
    for kind in ("all", "flags", "clock faces", "others"):
        chosen = [i for i, name in enumerate(asked) if kind in ("all", group(name))]
        if chosen:
            share = lambda hits: sum(hits[i] for i in chosen) / len(chosen)
            print(f"{kind}: {len(chosen)} pictures, nearest {share(first):.1%}, within the five nearest {share(five):.1%}")


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:5]), count=int(sys.argv[5]) if len(sys.argv) > 5 else 300)
