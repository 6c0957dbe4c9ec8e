"""Muon for the matrices inside of blocks, in batches of one shape: momentum, made orthogonal by Newton and Schulz.

Steps are scaled to the size of Adam's, so one learning rate serves both (Liu et al., "Muon is scalable for LLM
training", 2025). Everything stays on the device, so that a whole training step can be one CUDA graph.
"""

import torch

STEPS = [(3.4445, -4.7750, 2.0315)] * 5


def orthogonal(g: torch.Tensor) -> torch.Tensor:
    """`[k, r, c]` to the nearest matrices whose singular values are all about 1."""
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for a, b, c in STEPS:
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon:
    def __init__(self, parameters: list[torch.nn.Parameter], lr: torch.Tensor, momentum=0.95, decay=0.05):
        self.lr, self.momentum, self.decay = lr, momentum, decay
        shapes: dict[tuple, list[torch.nn.Parameter]] = {}
        for parameter in parameters:
            shapes.setdefault(tuple(parameter.shape), []).append(parameter)
        self.groups = list(shapes.values())
        self.buffers = [torch.zeros(len(g), *g[0].shape, device=g[0].device) for g in self.groups]

    @torch.no_grad()
    def step(self) -> None:
        for group, buffer in zip(self.groups, self.buffers):
            gradient = torch.stack([p.grad for p in group])
            buffer.lerp_(gradient, 1 - self.momentum)
            update = orthogonal(torch.lerp(gradient, buffer, self.momentum)).float()
            update *= 0.2 * max(buffer.shape[1:]) ** 0.5 * self.lr
            for parameter, delta in zip(group, update.unbind()):
                parameter.mul_(1 - self.decay * self.lr).sub_(delta)

    def reset(self) -> None:
        for buffer in self.buffers:
            buffer.zero_()
