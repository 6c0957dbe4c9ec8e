"""Draws many prompts at once, as FluxPipeline does one by one: Euler steps along FlowMatchEulerDiscrete's sigmas."""

import torch
from diffusers import AutoencoderKL

from model import Denoiser, unpack


def sigmas(steps: int, shift: float) -> torch.Tensor:
    even = torch.linspace(1, 1 / steps, steps)
    return torch.cat([shift * even / (1 + (shift - 1) * even), torch.zeros(1)])


@torch.no_grad()
def draw(model: Denoiser, vae: AutoencoderKL, clip, t5, empty, noise, steps=20, shift=1.0, true_cfg=1.0) -> torch.Tensor:
    """Pictures `[n, 3, 128, 128]` from -1 to 1. `noise` is packed: `[n, 64, 32]`."""
    pooled, text = model.text(clip, t5)
    if true_cfg > 1:
        no_pooled, no_text = model.text(empty[:1].expand_as(clip), empty[1:].expand_as(t5))
    tokens, times = noise, sigmas(steps, shift).to(noise.device)
    for now, after in zip(times, times[1:]):
        sigma = now.expand(len(tokens))
        velocity = model.velocity(tokens, sigma, pooled, text).float()
        if true_cfg > 1:
            without = model.velocity(tokens, sigma, no_pooled, no_text).float()
            velocity = without + true_cfg * (velocity - without)
        tokens = tokens + (after - now) * velocity
    latents = unpack(tokens)
    return torch.cat([vae.decoder(part / vae.config.scaling_factor + (vae.config.shift_factor or 0)).float() for part in latents.split(64)]).clamp(-1, 1)
