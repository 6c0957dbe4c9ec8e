"""Pictures side by side."""

from pathlib import Path

import torch
from PIL import Image


def save_sheet(path: Path, pictures: torch.Tensor, columns: int = 8) -> None:
    """`pictures` is `[n, 3, h, w]` from -1 to 1."""
    pixels = ((pictures.float() + 1) * 127.5).round().clamp(0, 255).byte().cpu()
    n, _, h, w = pixels.shape
    sheet = torch.full((3, -(-n // columns) * h, columns * w), 255, dtype=torch.uint8)
    for i, picture in enumerate(pixels):
        y, x = i // columns * h, i % columns * w
        sheet[:, y : y + h, x : x + w] = picture
    scratch = path.with_name(path.name + ".part")
    Image.fromarray(sheet.permute(1, 2, 0).numpy()).save(scratch, "PNG")
    scratch.replace(path)
