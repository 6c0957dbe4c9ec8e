"""What training leaves behind and goes on from: files of at most 16 MiB each."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

# The denoiser's weights in f32 do not fit into one file.
PARTS = 2


def write(tensors: dict[str, torch.Tensor], path: Path, about: dict[str, str] | None = None) -> None:
    """All or nothing: a file is whole once it has its name."""
    scratch = path.with_name(path.name + ".part")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, scratch, about)
    scratch.replace(path)


def save_vae(vae, folder: Path) -> None:
    write(vae.state_dict(), folder / "vae.safetensors")


def load_vae(vae, folder: Path) -> bool:
    path = folder / "vae.safetensors"
    if path.exists():
        vae.load_state_dict(load_file(path))
    return path.exists()


def save_flow(flow, folder: Path, trained: float) -> None:
    names = [name for name, _ in flow.model.named_parameters()]
    now = flow.snapshot()
    write({n: t.half() for n, t in zip(names, now["mean"])}, folder / "mean.safetensors")
    numbered = list(zip(names, now["parameters"]))
    for part in range(PARTS):
        write(dict(numbered[part::PARTS]), folder / f"weights-{part}.safetensors")
    moments = {f"muon.{i}": b.bfloat16() for i, b in enumerate(now["muon"])}
    for i, entry in enumerate(now["adam"]):
        moments |= {f"adam.{i}.{key}": value if value.ndim == 0 else value.bfloat16() for key, value in entry.items()}
    moments["progress"] = torch.tensor([flow.steps, trained, flow.peak], dtype=torch.float64)
    write(moments, folder / "moments.safetensors")


def load_flow(flow, folder: Path) -> tuple[float, float | None]:
    """Seconds trained before and the peak rate; 0 and none where there is no state."""
    if not (folder / "moments.safetensors").exists():
        return 0.0, None
    names = [name for name, _ in flow.model.named_parameters()]
    mean, weights, moments = load_file(folder / "mean.safetensors"), {}, load_file(folder / "moments.safetensors")
    for part in range(PARTS):
        weights |= load_file(folder / f"weights-{part}.safetensors")
    steps, trained, peak = moments.pop("progress").tolist()
    adam: dict[int, dict] = {}
    for key, value in moments.items():
        kind, number, *rest = key.split(".")
        if kind == "adam":
            adam.setdefault(int(number), {})[rest[0]] = value
    flow.restore(
        {
            "parameters": [weights[n] for n in names],
            "mean": [mean[n] for n in names],
            "muon": [moments[f"muon.{i}"] for i in range(len(flow.muon.buffers))],
            "adam": [adam[i] for i in sorted(adam)],
            "steps": int(steps),
        }
    )
    return trained, peak
