"""Products of 8-bit codes at the shapes of Flux.1-dev's blocks, beside bf16's, in turns on one device.

    python benches/fp8_products.py

Each layer in bf16, and in E4M3 by row and by tensor, with exact sums and with Hopper's fast ones (`use_fast_accum`). Random
operands. Prints one JSON object: milliseconds (median, least, most), TFLOP/s, how far the product is from that of the operands in
float64, and how far its sums are from those of the same codes in float64.
"""

from __future__ import annotations

import json
import statistics
from typing import Callable

import torch

# (m, n, k): tokens, outputs, inputs.
LAYERS = {
    "double qkv": (4096, 9216, 3072),
    "double out": (4096, 3072, 3072),
    "double mlp in": (4096, 12288, 3072),
    "double mlp out": (4096, 3072, 12288),
    "text mlp in": (512, 12288, 3072),
    "single in": (4608, 21504, 3072),
    "single out": (4608, 3072, 15360),
}
ROUNDS, REPEATS = 7, 20
LARGEST = torch.finfo(torch.float8_e4m3fn).max


def codes(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A matrix as codes, and a scale for each row."""
    scale = x.float().abs().amax(-1, True) / LARGEST
    return (x.float() / scale).to(torch.float8_e4m3fn), scale


def milliseconds(product: Callable[[], torch.Tensor]) -> float:
    """Of one product, of several one behind another."""
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    start.record()
    for _ in range(REPEATS):
        product()
    end.record()
    torch.cuda.synchronize()
    return start.elapsed_time(end) / REPEATS


def distance(given: torch.Tensor, exact: torch.Tensor) -> float:
    return ((given.double() - exact).norm() / exact.norm()).item()


def measure(m: int, n: int, k: int) -> dict:
    kind = dict(device="cuda", dtype=torch.bfloat16)
    x, w, bias = torch.randn(m, k, **kind), torch.randn(n, k, **kind) * k**-0.5, torch.randn(n, **kind)
    (cx, sx), (cw, sw) = codes(x), codes(w)
    one, columns = torch.ones((), device="cuda"), sw.t().contiguous()

    def by_row(fast: bool) -> torch.Tensor:
        kept = dict(scale_a=sx, scale_b=columns, bias=bias, out_dtype=torch.bfloat16)
        return torch._scaled_mm(cx, cw.t(), use_fast_accum=fast, **kept)

    def by_tensor(fast: bool) -> torch.Tensor:
        # Scales of one: the sums of the codes themselves.
        return torch._scaled_mm(cx, cw.t(), scale_a=one, scale_b=one, out_dtype=torch.bfloat16, use_fast_accum=fast)

    ways = {
        "bf16": lambda: torch.nn.functional.linear(x, w, bias),
        "row, exact": lambda: by_row(False), "row, fast": lambda: by_row(True),
        "tensor, exact": lambda: by_tensor(False), "tensor, fast": lambda: by_tensor(True),
    }
    for product in ways.values():
        for _ in range(5):
            product()
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, product in ways.items():
            taken[way].append(milliseconds(product))
    error, error_of_sums = {}, {}
    exact = x.double() @ w.double().t() + bias
    for way in ("bf16", "row, exact", "row, fast"):
        error[way] = distance(ways[way](), exact)
    exact = (cx.double() * sx) @ (cw.double() * sw).t() + bias
    for way in ("row, exact", "row, fast"):
        error_of_sums[way] = distance(ways[way](), exact)
    exact = cx.double() @ cw.double().t()
    for way in ("tensor, exact", "tensor, fast"):
        error_of_sums[way] = distance(ways[way](), exact)
    return {
        "milliseconds": {way: [statistics.median(t), min(t), max(t)] for way, t in taken.items()},
        "tflops": {way: 2 * m * n * k / statistics.median(t) / 1e9 for way, t in taken.items()},
        "relative_error": error,
        "error_of_sums": error_of_sums,
    }


def main() -> None:
    torch.manual_seed(0)
    layers = [{"layer": name, "m,n,k": shape, **measure(*shape)} for name, shape in LAYERS.items()]
    print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__, "layers": layers}, indent=1))


if __name__ == "__main__":
    main()
