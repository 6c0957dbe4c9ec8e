"""The denoiser: flow matching from noise to latents, told by both text encoders, in a given time."""

import copy
import time
from collections.abc import Callable

import torch

from data import Data
from model import Denoiser, pack
from muon import Muon

DROPPED = 0.1  # captions left out, for classifier-free guidance
KEPT = 0.9995  # of the mean of the weights, each step
CHUNK = 25  # steps between looks at the clock


def initialise(model: Denoiser) -> None:
    """Blocks begin as the identity and the output as 0."""
    for name, parameter in model.flux.named_parameters():
        if ".norm" in name and ".linear." in name or name.startswith(("norm_out.linear", "proj_out")):
            torch.nn.init.zeros_(parameter)


def matrices(model: Denoiser) -> list[torch.nn.Parameter]:
    """What Muon trains: the matrices of all blocks."""
    inside = lambda name: "blocks." in name or "block." in name or "layers." in name
    tables = ("relative_attention_bias", "embedding")
    return [p for n, p in model.named_parameters() if p.ndim == 2 and inside(n) and not any(t in n for t in tables)]


def draw_sigma(count: int, device) -> torch.Tensor:
    """Half even from 0 to 1, half leaning to noise, where only the caption says what to draw; spread evenly over the batch."""
    u = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
    even = torch.rand(count, device=device) < 0.5
    normal = torch.special.ndtri(u.clamp(1e-5, 1 - 1e-5))
    return torch.where(even, u, torch.sigmoid(0.6 + normal))


class Flow:
    """A denoiser in training: weights, their mean, optimizers, and one step as a CUDA graph."""

    def __init__(self, model: Denoiser, data: Data, latents: torch.Tensor, batch: int):
        self.model, self.data, self.batch = model, data, batch
        self.tokens = pack(latents)
        device = latents.device
        self.cuda = device.type == "cuda"
        self.rate = torch.zeros((), device=device)
        chosen = {id(p) for p in matrices(model)}
        self.muon = Muon(matrices(model), self.rate)
        others = [p for p in model.parameters() if id(p) not in chosen]
        self.adam = torch.optim.AdamW(
            others, lr=self.rate if self.cuda else 0.0, betas=(0.9, 0.98), weight_decay=0.0, fused=True, capturable=self.cuda
        )
        self.parameters = list(model.parameters())
        self.mean = [p.detach().clone() for p in self.parameters]
        self.loss = torch.zeros((), device=device)
        self.steps = 0
        self.compiled = torch.compile(model) if self.cuda else model
        self.graph = None

    def compute(self) -> None:
        data, n, device = self.data, self.batch, self.tokens.device
        index = torch.randint(data.count, (n,), device=device)
        variant = (torch.rand(n, 1, device=device) > data.shares[index]).sum(1).clamp_max(data.shares.shape[1] - 1)
        dropped = (torch.rand(n, 1, device=device) < DROPPED)
        clip = torch.where(dropped, data.empty[0], data.clip[index, variant])
        t5 = torch.where(dropped, data.empty[1], data.t5[index, variant])
        clean, noise = self.tokens[index], torch.randn(n, *self.tokens.shape[1:], device=device)
        sigma = draw_sigma(n, device)
        mixed = torch.lerp(clean, noise, sigma[:, None, None])
        with torch.autocast(device.type, torch.bfloat16, enabled=self.cuda, cache_enabled=False):
            velocity = self.compiled(mixed, sigma, clip, t5)
        loss = (velocity.float() - (noise - clean)).square().mean()
        loss.backward()
        self.muon.step()
        self.adam.step()
        for parameter in self.parameters:
            parameter.grad.zero_()
        with torch.no_grad():
            torch._foreach_lerp_(self.mean, self.parameters, 1 - KEPT)
            self.loss.lerp_(loss.detach(), 0.02)

    def warm(self) -> None:
        """Compiles, and records the step. The rate is 0: nothing is learned, but Adam's state exists from here on."""
        if not self.cuda:
            return self.run(0.0, 1)
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                self.compute()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.compute()
        self.graph = graph

    def run(self, rate: float, steps: int = CHUNK) -> None:
        self.rate.fill_(rate)
        if not self.cuda:
            for group in self.adam.param_groups:
                group["lr"] = rate
        for _ in range(steps):
            self.graph.replay() if self.graph else self.compute()
        if self.cuda:
            torch.cuda.synchronize()
        self.steps += steps

    def snapshot(self) -> dict:
        return {
            "parameters": [p.detach().clone() for p in self.parameters],
            "mean": [p.clone() for p in self.mean],
            "muon": [b.clone() for b in self.muon.buffers],
            "adam": [{k: v.clone() for k, v in self.adam.state[p].items()} for p in self.adam.param_groups[0]["params"]],
            "steps": self.steps,
        }

    @torch.no_grad()
    def restore(self, state: dict) -> None:
        """In place: the CUDA graph goes on reading the same memory."""
        for mine, given in (
            (self.parameters, state["parameters"]),
            (self.mean, state["mean"]),
            (self.muon.buffers, state["muon"]),
        ):
            for a, b in zip(mine, given, strict=True):
                a.copy_(b)
        states = [self.adam.state[p] for p in self.adam.param_groups[0]["params"]]
        for a, b in zip(states, state["adam"], strict=True):
            for key in a:
                a[key].copy_(b[key])
        self.steps = state["steps"]

    @torch.no_grad()
    def averaged(self) -> Denoiser:
        """A copy of the model with the mean of the weights."""
        model = copy.deepcopy(self.model).eval()
        for parameter, mean in zip(model.parameters(), self.mean, strict=True):
            parameter.copy_(mean)
        return model


def probe(flow: Flow, rates: list[float], seconds: float, log) -> float:
    """Trains a little from the same start with each rate and gives the one with the lowest loss."""
    start, losses = flow.snapshot(), []
    for rate in rates:
        begun, step = time.time(), 0
        while (elapsed := time.time() - begun) < seconds:
            flow.run(rate * min(1, (step + CHUNK) / 300) * min(1.0, 2 * (1 - elapsed / seconds)))
            step += CHUNK
        losses.append(flow.loss.item())
        log(f"probe: rate {rate:.1e} loss {losses[-1]:.4f} after {step} steps")
        flow.restore(start)
    return rates[losses.index(min(losses))] if min(losses) == min(losses) else rates[0]


def train(flow: Flow, peak: float, elapsed: float, deadline: Callable[[], float], log, look) -> float:
    """Until the deadline; `elapsed` seconds were trained before. `look` is called with the seconds left after each chunk."""
    begun, told, first = time.time(), time.time(), flow.steps
    while (now := time.time()) < deadline():
        total = elapsed + deadline() - begun
        done = (elapsed + now - begun) / total
        rate = peak * min(1, (flow.steps + CHUNK) / 500, 2 * (1 - done))
        flow.run(rate)
        if flow.steps - first == 400:
            for mean, parameter in zip(flow.mean, flow.parameters):
                if first == 0:
                    mean.copy_(parameter.detach())
        if now - told > 15:
            told = now
            if not torch.isfinite(flow.loss):
                raise SystemExit(f"the loss is {flow.loss.item()} after {flow.steps} steps: nothing that follows is of use")
            speed = (flow.steps - first) * flow.batch / (now - begun)
            log(f"flow step {flow.steps} {elapsed + now - begun:.0f} s loss {flow.loss.item():.4f} rate {rate:.2e} {speed:.0f} pictures/s")
        look(deadline() - time.time())
    return elapsed + time.time() - begun
