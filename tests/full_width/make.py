"""Writes one double and one single block of Flux.1 at full width, inputs, and what PyTorch makes of them in f32.

    pip install -r tests/fixtures/requirements.txt
    python tests/full_width/make.py FOLDER          (3 GB)
    cargo run --release -p tintype-tests --example full_width -- FOLDER

The sizes are FLUX.1-dev's: width 3072, 24 heads of 128, 4096 picture tokens (1024 x 1024 pixels), 512 text tokens.
"""

import sys
from pathlib import Path

import torch
from diffusers import FluxTransformer2DModel
from safetensors.torch import save_file

GRID, TEXT, TIME, GUIDANCE = 64, 512, 0.7, 3.5


def model() -> FluxTransformer2DModel:
    torch.manual_seed(0)
    made = FluxTransformer2DModel(num_layers=1, num_single_layers=1, guidance_embeds=True)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            # Fresh norms are all ones and fresh biases small: neither would show a mistake.
            if parameter.dim() == 1:
                parameter.add_(torch.randn_like(parameter) * 0.1)
            elif "norm" in name:
                parameter.mul_(0.5)
    return made.eval()


def main(folder: Path) -> None:
    made = model()
    made.save_pretrained(folder / "transformer", max_shard_size="20GB")
    generator = torch.Generator().manual_seed(1)
    randn = lambda *shape: torch.randn(shape, generator=generator)
    hidden, text, pooled = randn(1, GRID * GRID, 64), randn(1, TEXT, 4096), randn(1, 768)
    ids = torch.zeros(GRID, GRID, 3)
    ids[..., 1] += torch.arange(GRID)[:, None]
    ids[..., 2] += torch.arange(GRID)[None, :]
    with torch.no_grad():
        output = made(
            hidden_states=hidden,
            encoder_hidden_states=text,
            pooled_projections=pooled,
            timestep=torch.tensor([TIME]),
            guidance=torch.tensor([GUIDANCE]),
            img_ids=ids.reshape(-1, 3),
            txt_ids=torch.zeros(TEXT, 3),
            return_dict=False,
        )[0]
    tensors = {"hidden_states": hidden, "text": text, "pooled": pooled, "output": output}
    save_file(tensors, folder / "golden.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
