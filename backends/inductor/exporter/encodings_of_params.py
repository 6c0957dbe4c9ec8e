"""Buffers of parameters: plain elements, 8-bit floating point, 4-bit NormalFloat."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

Tensor = torch.Tensor

PLAIN = {
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i32": torch.int32,
    "u8": torch.uint8,
}

# torch has a dtype for each of the 8-bit formats, and decodes them itself.
FP8 = {
    "e4m3": torch.float8_e4m3fn,
    "e4m3_fnuz": torch.float8_e4m3fnuz,
    "e5m2": torch.float8_e5m2,
    "e5m2_fnuz": torch.float8_e5m2fnuz,
}

# QLoRA (Dettmers et al. 2023), appendix E; the same numbers as bitsandbytes has.
NF4 = [
    -1.0,
    -0.6961928009986877,
    -0.5250730514526367,
    -0.39491748809814453,
    -0.28444138169288635,
    -0.18477343022823334,
    -0.09105003625154495,
    0.0,
    0.07958029955625534,
    0.16093020141124725,
    0.24611230194568634,
    0.33791524171829224,
    0.44070982933044434,
    0.5626170039176941,
    0.7229568362236023,
    1.0,
]


def is_plain(encoding: dict[str, Any] | None) -> bool:
    """Whether a buffer holds the elements themselves."""
    return encoding is None or encoding["kind"] == "plain"


def tensor_of(data: bytes, dtype: str, shape: tuple[int, ...]) -> Tensor:
    """The tensor that the bytes are, in its dtype."""
    # A tensor of no bytes cannot be made from a buffer.
    if not data:
        return torch.empty(shape, dtype=PLAIN[dtype])
    return torch.frombuffer(bytearray(data), dtype=PLAIN[dtype]).reshape(shape)


def stored_bytes(shape: tuple[int, ...], encoding: dict[str, Any]) -> int:
    """How many bytes an encoded parameter takes: codes, then scales from the next multiple of 16 on."""
    elements = math.prod(shape)
    if encoding["kind"] == "nf4":
        scales = elements // encoding["block"]
    else:
        sharing = encoding["scales"]
        each = {"tensor": lambda: 1, "row": lambda: shape[0], "block": lambda: elements // sharing["size"]}
        scales = each[sharing["per"]]()
    codes = code_bytes(elements, encoding)
    return -(-codes // 16) * 16 + 4 * scales if scales else codes


def code_bytes(elements: int, encoding: dict[str, Any]) -> int:
    """How many bytes the codes take."""
    return elements if encoding["kind"] == "fp8" else elements // 2


def decode(stored: Tensor, shape: tuple[int, ...], encoding: dict[str, Any], dtype: torch.dtype) -> Tensor:
    """The values of an encoded parameter, from its bytes. All of it is arithmetic on tensors, so that it can be
    compiled."""
    codes, scales = parts(stored, shape, encoding)
    scales = scales.to(dtype)
    if encoding["kind"] == "fp8":
        return scaled(codes.view(FP8[encoding["format"]]).to(dtype), scales, shape)
    if encoding["kind"] == "nf4":
        pairs = torch.stack([codes >> 4, codes & 15], dim=-1).reshape(-1).long()
        # Made by operations: a constant of its own would be one more thing that a package has to be given.
        table = torch.stack([torch.full((), value, dtype=dtype) for value in NF4])
        return scaled(table[pairs], scales, shape)
    raise ValueError(f"unknown encoding {encoding}")


@dataclass(frozen=True)
class Encoded:
    """An encoded parameter on its way to whoever reads it: products of 8-bit codes read those, all others its values."""

    stored: Tensor
    shape: tuple[int, ...]
    encoding: dict[str, Any]

    def values(self, dtype: torch.dtype) -> Tensor:
        """The values."""
        return decode(self.stored, self.shape, self.encoding, dtype)

    def fp8(self) -> tuple[Tensor, Tensor]:
        """Codes of 8-bit floating point, `[rows, columns]`, and scales, `[1, rows]`, or `[1, 1]` for all rows."""
        rows, columns = self.shape
        codes, scales = parts(self.stored, self.shape, self.encoding)
        return codes.view(FP8[self.encoding["format"]]).reshape(rows, columns), scales[None, :]


def parts(stored: Tensor, shape: tuple[int, ...], encoding: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Codes, as bytes, and scales."""
    end = code_bytes(math.prod(shape), encoding)
    return stored[:end], stored[-(-end // 16) * 16 :].view(torch.float32)


def scaled(values: Tensor, scales: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Each value times its scale: whatever the granularity, scales cover equal runs of consecutive elements."""
    return (values.reshape(scales.numel(), -1) * scales[:, None]).reshape(shape)


def round_rows_to_e4m3(x: Tensor) -> Tensor:
    """Rounds each row to E4M3, scaled so that its largest magnitude becomes the format's largest number."""
    if x.shape[-1] == 0:
        return x
    codes, scales = rows_as_e4m3(x)
    return codes.to(x.dtype) * scales


def rows_as_e4m3(x: Tensor) -> tuple[Tensor, Tensor]:
    """The same as codes and scales, `[..., 1]`."""
    scales = x.abs().amax(dim=-1, keepdim=True) / torch.finfo(torch.float8_e4m3fn).max
    scales = torch.where(scales > 0, scales, torch.ones_like(scales))
    return (x / scales).clamp(-448, 448).to(torch.float8_e4m3fn), scales
