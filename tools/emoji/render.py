"""Renders every picture of the list to 128 x 128 RGB on white: `render.py PACKAGES PICTURES.npz`.

The archive holds lossless WebP, which is a tenth of the raw size: `names`, `styles`, and `data` cut at `ends`.
"""

import io
import sys
from multiprocessing import Pool
from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
from PIL import Image

from names import STYLES, all_icons

SIZE = 128


def render(svg: str) -> bytes:
    import resvg_py

    # Twice the size and then halved: the boxes of thin lines stay smooth.
    png = resvg_py.svg_to_bytes(svg_string=svg, width=2 * SIZE, height=2 * SIZE, skip_system_fonts=True)
    picture = Image.open(io.BytesIO(bytes(png))).convert("RGBA")
    side = max(picture.size)
    page = Image.new("RGBA", (side, side), "white")
    page.alpha_composite(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    page = page.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX if side == 2 * SIZE else Image.Resampling.LANCZOS)
    out = io.BytesIO()
    page.save(out, "WEBP", lossless=True, quality=60, method=4)
    return out.getvalue()


def load(path: Path) -> tuple[list[str], list[str], np.ndarray]:
    """Names, styles, and pictures `[n, 128, 128, 3]` of 8 bits."""
    with np.load(path) as file:
        names, styles, ends, data = file["names"].tolist(), file["styles"].tolist(), file["ends"], file["data"].tobytes()
    starts = [0, *ends[:-1].tolist()]
    read = lambda cut: np.asarray(Image.open(io.BytesIO(data[cut[0] : cut[1]])).convert("RGB"))
    with ThreadPool() as pool:
        return names, styles, np.stack(pool.map(read, zip(starts, ends), chunksize=64))


def main(folder: Path, target: Path) -> None:
    sets = all_icons(folder)
    jobs = [(name, style, svg) for style in STYLES for name, svg in sorted(sets[style].items())]
    with Pool(2) as pool:
        files = pool.map(render, [svg for _, _, svg in jobs], chunksize=16)
    np.savez(
        target,
        names=np.array([name for name, _, _ in jobs]),
        styles=np.array([style for _, style, _ in jobs]),
        ends=np.cumsum([len(file) for file in files]),
        data=np.frombuffer(b"".join(files), np.uint8),
    )
    print(f"{len(jobs)} pictures, {target.stat().st_size / 2**20:.1f} MiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
