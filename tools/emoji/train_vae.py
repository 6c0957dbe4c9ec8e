"""The autoencoder: pictures to latents of unit variance and back, in a given time."""

import copy
import time

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL

from data import Data

NOISE = 0.3  # the most that is added to latents in training: what the denoiser leaves must not be seen
PEAK = 2.5e-3


class Normalised(torch.nn.Module):
    """An autoencoder whose latents are normalised by channel over the batch, with noise added."""

    def __init__(self, vae: AutoencoderKL):
        super().__init__()
        self.vae = vae

    def forward(self, pictures, noise):
        mean = self.vae.encoder(pictures).chunk(2, 1)[0].float()
        deviation, centre = torch.std_mean(mean, (0, 2, 3), keepdim=True)
        return self.vae.decoder((mean - centre) / (deviation + 1e-4) + noise)


def loss_of(made: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """L1 of the pixels, of their edges, and of the picture at a quarter of the size."""
    made = made.float()
    difference = made - wanted
    edges = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    edges = edges + (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return difference.abs().mean() + 0.5 * edges + 0.5 * F.avg_pool2d(difference, 4).abs().mean() + difference.square().mean()


@torch.no_grad()
def encode(vae: AutoencoderKL, data: Data) -> torch.Tensor:
    """The latents of all pictures, `[n, c, 16, 16]`."""
    parts = torch.arange(data.count, device=data.pictures.device).split(256)
    return torch.cat([vae.encoder(data.pixels(part)).float().chunk(2, 1)[0] for part in parts])


@torch.no_grad()
def fold(vae: AutoencoderKL, data: Data) -> None:
    """Writes the normalisation into the encoder's last layer, so that scaling_factor 1 is right for every channel."""
    deviation, centre = torch.std_mean(encode(vae, data), (0, 2, 3))
    last = vae.encoder.conv_out
    means = deviation.numel()
    last.weight[:means] /= deviation[:, None, None, None]
    last.bias[:means] = (last.bias[:means] - centre) / deviation
    last.weight[means:] = 0
    last.bias[means:] = 2 * torch.tensor(0.05).log()


@torch.no_grad()
def psnr(vae: AutoencoderKL, data: Data, count: int = 512) -> float:
    index = torch.randperm(data.count, device=data.pictures.device)[:count]
    wanted = data.pixels(index)
    made = torch.cat([vae.decoder(vae.encoder(part).chunk(2, 1)[0]) for part in wanted.split(64)])
    errors = (made.clamp(-1, 1) - wanted).float().square().mean((1, 2, 3)) / 4
    return (-10 * errors.log10()).mean().item()


def train(vae: AutoencoderKL, data: Data, seconds: float, batch: int, log) -> AutoencoderKL:
    """Gives the mean of the weights over the last steps; the learning rate falls to 0 by the clock."""
    device = data.pictures.device
    cuda = device.type == "cuda"
    vae = vae.to(device, memory_format=torch.channels_last).train()
    mean = copy.deepcopy(vae).eval().requires_grad_(False)
    model = torch.compile(Normalised(vae)) if cuda else Normalised(vae)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=PEAK, betas=(0.9, 0.99), weight_decay=1e-3, fused=True)
    start, step, told = time.time(), 0, 0.0
    while (elapsed := time.time() - start) < seconds:
        rate = PEAK * min(1, (step + 1) / 200) * min(1.0, 1.25 * (1 - elapsed / seconds))
        for group in optimizer.param_groups:
            group["lr"] = rate
        index = torch.randint(data.count, (batch,), device=device)
        pictures = data.pixels(index).contiguous(memory_format=torch.channels_last)
        amount = NOISE * torch.rand(batch, 1, 1, 1, device=device)
        noise = amount * torch.randn(batch, vae.config.latent_channels, 16, 16, device=device)
        with torch.autocast(device.type, torch.bfloat16, enabled=cuda):
            made = model(pictures, noise)
        loss = loss_of(made, pictures)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        keep = min(0.998, step / (step + 20))
        with torch.no_grad():
            torch._foreach_lerp_(list(mean.parameters()), list(vae.parameters()), 1 - keep)
        step += 1
        if step == 1 and cuda:  # compiling is not training
            torch.cuda.synchronize()
            log(f"vae: compiled in {time.time() - start:.0f} s")
            start = time.time()
        if step % 20 == 0 and time.time() - told > 20:
            told = time.time()
            log(f"vae step {step} {told - start:.0f} s loss {loss.item():.4f} rate {rate:.2e} {step * batch / (told - start):.0f} pictures/s")
    fold(mean, data)
    log(f"vae: {step} steps of {batch}, psnr {psnr(mean, data):.2f} dB")
    return mean
