"""Writes the model folder from what training left: `export.py STATE IDS.npz TOKENIZERS FOLDER`.

STATE holds `vae.safetensors` and `mean.safetensors`. The folder is diffusers' own layout, stored in f16.
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import FlowMatchEulerDiscreteScheduler, FluxPipeline
from safetensors.torch import load_file
from transformers import CLIPTokenizer, T5TokenizerFast

from model import SIZE, TOKENS, Denoiser, autoencoder, clip_encoder, t5_encoder, transformer

LARGEST = 14 * 2**20
STEPS, TRUE_CFG, SHIFT = 20, 1.5, 1.0


def components(state: Path, ids: Path):
    """The autoencoder and the denoiser, with the mean of the weights."""
    with np.load(ids) as file:
        clip_size, t5_size, start, end = file["sizes"].tolist()
    vae = autoencoder()
    vae.load_state_dict(load_file(state / "vae.safetensors"))
    denoiser = Denoiser(clip_encoder(clip_size, start, end), t5_encoder(t5_size), transformer())
    weights = {name: tensor.float() for name, tensor in load_file(state / "mean.safetensors").items()}
    for name, parameter in denoiser.named_parameters():
        if not weights[name].isfinite().all():
            raise SystemExit(f"{name} holds values that are no numbers: training failed, nothing is written")
        parameter.data.copy_(weights[name])
    return vae.eval(), denoiser.eval()


def export(state: Path, ids: Path, tokenizers: Path, folder: Path) -> None:
    vae, denoiser = components(state, ids)
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=SHIFT),
        vae=vae,
        text_encoder=denoiser.clip,
        tokenizer=CLIPTokenizer.from_pretrained(tokenizers / "tokenizer"),
        text_encoder_2=denoiser.t5,
        tokenizer_2=T5TokenizerFast.from_pretrained(tokenizers / "tokenizer_2"),
        transformer=denoiser.flux,
    ).to(torch.float16)
    pipeline.save_pretrained(folder)
    described = folder / "tokenizer_2/tokenizer.json"
    described.write_text(json.dumps(json.loads(described.read_text()), ensure_ascii=False, separators=(",", ":")))
    own = {
        "width": SIZE,
        "height": SIZE,
        "steps": STEPS,
        "true_cfg": TRUE_CFG,
        "negative": "",
        "max_sequence_length": TOKENS,
        "dtype": "f32",
    }
    (folder / "tintype.json").write_text(json.dumps(own, indent=2) + "\n")
    for file in folder.rglob("*.safetensors"):
        file.chmod(0o644)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 2**20:.2f} MiB")
    if size > LARGEST:
        raise SystemExit(f"more than {LARGEST / 2**20:.0f} MiB: make a component smaller in model.py")


if __name__ == "__main__":
    export(*(Path(argument) for argument in sys.argv[1:5]))
