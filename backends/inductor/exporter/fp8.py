"""Products of 8-bit floating-point codes, on GPUs that multiply them."""

from __future__ import annotations

from typing import Any, Iterator

import torch

from encodings_of_params import Encoded, is_plain, rows_as_e4m3

Tensor = torch.Tensor

# What a GPU must be at least, and what the extents of a weight must be multiples of.
LEAST_CAPABILITY = (9, 0)
UNIT = 16
# With it Hopper adds up 8-bit products with fewer bits than f32 has. Over 3,072 to 15,360 terms that is 9 to 25 % faster on an H100, and
# the error, of which rounding to 8 bits is nearly all, grows by 0.04 to 0.3 %: docs/inductor.md.
FAST_SUMS = True


class Fp8Error(RuntimeError):
    """A device that does not multiply 8-bit floating point."""


def fits(dtype: str, shape: tuple[int, ...], encoding: dict[str, Any] | None) -> bool:
    """Whether a layer of such a result and weight is a product of codes; else its numbers are rounded, and multiplied in f32."""
    if encoding is None or is_plain(encoding) or encoding["kind"] != "fp8" or encoding["format"] != "e4m3":
        return False
    shared = encoding["scales"]["per"] in ("tensor", "row")
    return dtype == "bf16" and shared and all(extent > 0 and extent % UNIT == 0 for extent in shape)


def product(x: Tensor, weight: Encoded, bias: Tensor | None) -> Tensor:
    """Each row of `x: bf16[..., columns]` rounded to E4M3 with a scale of its own, times the weight's codes: `bf16[..., rows]`."""
    rows, columns = weight.shape
    codes, scales = rows_as_e4m3(x.reshape(-1, columns).float())
    others, other_scales = weight.fp8()
    y = torch._scaled_mm(
        codes,
        others.t(),
        scale_a=scales,
        scale_b=other_scales.expand(1, rows).contiguous(),
        bias=bias,
        out_dtype=torch.bfloat16,
        use_fast_accum=FAST_SUMS,
    )
    return y.reshape(*x.shape[:-1], rows)


def layers(program: dict[str, Any]) -> Iterator[bool]:
    """Of each layer that rounds what goes into it, whether it is a product of codes."""
    for block in program["blocks"]:
        encodings = {param["value"]: param.get("encoding") for param in block["params"]}
        for node in block["nodes"]:
            if node["op"] == "linear" and node["activation"] == "dynamic_fp8":
                weight, result = node["inputs"][1], block["values"][node["outputs"][0]]
                yield fits(result["dtype"], tuple(block["values"][weight]["shape"]), encodings.get(weight))


def check(program: dict[str, Any], capability: tuple[int, int]) -> str | None:
    """Refuses a GPU that has no such products; what is to be told of the layers that do not become them, if anything."""
    found = list(layers(program))
    if not found:
        return None
    if tuple(capability) < LEAST_CAPABILITY:
        raise Fp8Error(
            f"products in 8-bit floating point want compute capability {'.'.join(map(str, LEAST_CAPABILITY))}, and this GPU has "
            f"{'.'.join(map(str, capability))}: capture without --quantize"
        )
    if all(found):
        return None
    return (
        f"{found.count(False)} of {len(found)} layers in 8-bit floating point are rounded and multiplied in f32: products of "
        f"codes want bf16, E4M3 with a scale for a row or a tensor, and extents that are multiples of {UNIT}"
    )
