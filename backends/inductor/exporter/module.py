"""A Program as a torch module: parameters are its buffers, inputs and states its arguments."""

from __future__ import annotations

from typing import Any

import torch

from encodings_of_params import PLAIN, is_plain, stored_bytes
from reader import Evaluator
from template import at, place_of_size

Tensor = torch.Tensor


class ProgramModule(torch.nn.Module):
    """`forward(*inputs, *states)` gives outputs, then what states become, each contiguous and with memory of its own.

    Parameter `i` of the entry is the buffer `p{i}`; an encoded one is a row of bytes. `params` gives them values; without,
    they hold nothing in particular, which is enough to export. A template is given with a size to make examples of.
    """

    def __init__(
        self, program: dict[str, Any], params: list[Tensor] | None = None, size: int | None = None
    ) -> None:
        super().__init__()
        self.template = None if size is None else program
        self.place_of_size = None if size is None else place_of_size(program)
        program = program if size is None else at(program, size)
        self.evaluator = Evaluator(program, exact=False, compiled=True)
        entry = program["blocks"][-1]
        self.param_count = len(entry["params"])
        for index, port in enumerate(entry["params"]):
            given = self.empty(port) if params is None else params[index]
            self.register_buffer(f"p{index}", given)

    def empty(self, port: dict[str, Any]) -> Tensor:
        """A tensor such as the port takes."""
        ty = self.evaluator.type_of(self.evaluator.program["blocks"][-1], port["value"])
        if is_plain(port.get("encoding")):
            return torch.empty(ty.shape, dtype=PLAIN[ty.dtype])
        return torch.empty(stored_bytes(ty.shape, port["encoding"]), dtype=torch.uint8)

    def examples(self) -> tuple[Tensor, ...]:
        """Arguments such as `forward` takes. Zeros: indices among them must be good."""
        entry = self.evaluator.program["blocks"][-1]
        return tuple(torch.zeros_like(self.empty(port)) for port in [*entry["inputs"], *entry.get("states", [])])

    def forward(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        inputs = len(self.evaluator.program["blocks"][-1]["inputs"])
        params = [getattr(self, f"p{index}") for index in range(self.param_count)]
        evaluator = self.evaluator
        if self.place_of_size is not None:
            index, axis = self.place_of_size
            evaluator = Evaluator(at(self.template, arguments[index].shape[axis]), exact=False, compiled=True)
        results = evaluator.entry([*arguments[:inputs], *params, *arguments[inputs:]])
        # A result that is an argument, or two that are one, would be handed back as the same memory.
        return tuple(result.clone(memory_format=torch.contiguous_format) for result in results)
