"""Programs at any of a range of sizes: a Program in which whole numbers may be `{"per": a, "plus": b}`, which is a * size + b.

The size is an extent of an input, so a module finds it in what it is given, and torch follows it through the Program as a symbol.
"""

from __future__ import annotations

from typing import Any

import torch

KEYS = {"per", "plus"}


def is_number(value: Any) -> bool:
    """Whether a number depends on the size."""
    return isinstance(value, dict) and value.keys() == KEYS


def at(value: Any, size: Any) -> Any:
    """A template at a size, which may be a symbol."""
    if is_number(value):
        return value["per"] * size + value["plus"]
    if isinstance(value, dict):
        return {key: at(inner, size) for key, inner in value.items()}
    if isinstance(value, list):
        return [at(inner, size) for inner in value]
    return value


def arguments(program: dict[str, Any]) -> list[list[Any]]:
    """The shapes of inputs, then states."""
    entry = program["blocks"][-1]
    ports = [*entry["inputs"], *entry.get("states", [])]
    return [entry["values"][port["value"]]["shape"] for port in ports]


def place_of_size(program: dict[str, Any]) -> tuple[int, int]:
    """Which argument has the size as an extent, and along which axis."""
    for index, shape in enumerate(arguments(program)):
        for axis, extent in enumerate(shape):
            if is_number(extent) and (extent["per"], extent["plus"]) == (1, 0):
                return index, axis
    raise ValueError("no input has the template's size as an extent")


def dynamic_shapes(program: dict[str, Any], least: int, most: int) -> tuple[dict[int, Any], ...]:
    """For `torch.export`: by argument, the axes whose extents depend on the size."""
    size = torch.export.Dim("size", min=least, max=most)

    def dim(extent: dict[str, int]) -> Any:
        multiple = size if extent["per"] == 1 else extent["per"] * size
        return multiple if extent["plus"] == 0 else multiple + extent["plus"]

    return tuple(
        {axis: dim(extent) for axis, extent in enumerate(shape) if is_number(extent)} for shape in arguments(program)
    )
