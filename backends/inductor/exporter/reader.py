"""A second reader of Programs: the JSON form, evaluated with torch.

It shares nothing with the Rust crates but the format, so that what the format says is what both of them understand.
`read` refuses what it does not know; `Evaluator` runs a Program either in float64 throughout or in the declared dtypes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Callable

import torch

import fp8
from encodings_of_params import Encoded, is_plain, round_rows_to_e4m3, tensor_of

FORMAT_VERSION = 1

DTYPES = {
    "f32": torch.float32,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "i32": torch.int32,
    "u8": torch.uint8,
}
INTEGERS = ("i32", "u8")

Tensor = torch.Tensor


class FormatError(ValueError):
    """A Program that this reader cannot read."""


@dataclass(frozen=True)
class Type:
    """An element type and a shape."""

    dtype: str
    shape: tuple[int, ...]


def read(text: str) -> dict[str, Any]:
    """Parses a Program and checks its version, its operations, and that values are defined once and before use."""
    program = json.loads(text)
    version = program.get("version")
    if version != FORMAT_VERSION:
        raise FormatError(f"format version {version}; this reader reads version {FORMAT_VERSION}")
    if not program["blocks"]:
        raise FormatError("a program without blocks")
    if len(program.get("sources", [])) != len(program["blocks"][-1]["params"]):
        raise FormatError("each parameter of the entry needs a source")
    for index, block in enumerate(program["blocks"]):
        _check_block(program, index, block)
    return program


def _check_block(program: dict[str, Any], index: int, block: dict[str, Any]) -> None:
    where = f"block {block['name']!r}"
    states = block.get("states", [])
    if states and index + 1 != len(program["blocks"]):
        raise FormatError(f"{where} has states and is not the entry")
    defined: set[int] = set()

    def define(values: list[int]) -> None:
        for value in values:
            if value in defined or not 0 <= value < len(block["values"]):
                raise FormatError(f"{where}: value {value} is defined twice or has no type")
            defined.add(value)

    define([port["value"] for port in [*block["inputs"], *block["params"], *states]])
    for position, node in enumerate(block["nodes"]):
        op = node["op"]
        if op not in OPERATIONS and op not in CALLS:
            raise FormatError(f"{where}, node {position}: unknown operation {op!r}")
        missing = [value for value in node["inputs"] if value not in defined]
        if missing:
            raise FormatError(f"{where}, node {position}: values {missing} are used before they are defined")
        if op in CALLS and not 0 <= node[CALLS[op]] < index:
            raise FormatError(f"{where}, node {position}: calls a block that does not come before")
        define(node["outputs"])
    ends = [port["value"] for port in block["outputs"]] + [state["next"] for state in states]
    if not set(ends) <= defined:
        raise FormatError(f"{where}: a result is not defined")


# Which field of a node names the block that it runs.
CALLS = {"call": "block", "elementwise": "block", "custom": "decomposition"}


class Evaluator:
    """Runs a Program. With `exact`, floats are float64 and casts between them do nothing; else dtypes are as declared,
    and operations on f16 and bf16 are done in f32 and rounded once. With `compiled`, products and attention are left to
    torch's own kernels for their dtype, which accumulate in f32 themselves."""

    def __init__(self, program: dict[str, Any], exact: bool, compiled: bool = False) -> None:
        self.program = program
        self.exact = exact
        self.operations = {**OPERATIONS, **COMPILED} if compiled else OPERATIONS
        self.whole = COMPILED if compiled else {}

    def run(self, given: dict[str, bytes]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Outputs and states by name, from the buffers of inputs, parameters and states by name."""
        entry = self.program["blocks"][-1]
        results = self.entry([self.stored(port, given[port["name"]]) for port in self.ports()])
        names = [port["name"] for port in entry["outputs"]]
        outputs = dict(zip(names, results))
        states = [state["name"] for state in entry.get("states", [])]
        return outputs, dict(zip(states, results[len(names) :]))

    def ports(self) -> list[dict[str, Any]]:
        """All that the entry is given: inputs, parameters, states."""
        entry = self.program["blocks"][-1]
        return [*entry["inputs"], *entry["params"], *entry.get("states", [])]

    def stored(self, port: dict[str, Any], data: bytes) -> Tensor:
        """A buffer as it is stored: bytes where it is encoded."""
        ty = self.type_of(self.program["blocks"][-1], port["value"])
        if is_plain(port.get("encoding")):
            return tensor_of(data, ty.dtype, ty.shape)
        return tensor_of(data, "u8", (len(data),))

    def entry(self, stored: list[Tensor]) -> list[Tensor]:
        """Outputs, then what states become, from what is stored for each port."""
        entry = self.program["blocks"][-1]
        arguments: list[Tensor | Encoded] = []
        for port, tensor in zip(self.ports(), stored, strict=True):
            ty = self.type_of(entry, port["value"])
            if is_plain(port.get("encoding")):
                arguments.append(self.settle(tensor, ty.dtype))
            else:
                arguments.append(Encoded(tensor, ty.shape, port["encoding"]))
        return self.block(entry, arguments)

    def type_of(self, block: dict[str, Any], value: int) -> Type:
        ty = block["values"][value]
        return Type(ty["dtype"], tuple(ty["shape"]))

    def settle(self, tensor: Tensor, dtype: str) -> Tensor:
        """The tensor in the dtype in which values of `dtype` are kept."""
        if dtype in INTEGERS:
            return to_integer(tensor, dtype)
        return tensor.to(torch.float64 if self.exact else DTYPES[dtype])

    def wide(self, tensor: Tensor | Encoded) -> Tensor:
        """The tensor in the dtype in which arithmetic is done."""
        if isinstance(tensor, Encoded):
            return tensor.values(torch.float64 if self.exact else torch.float32)
        if not tensor.is_floating_point():
            return tensor
        return tensor.double() if self.exact else tensor.float()

    def block(self, block: dict[str, Any], arguments: list[Tensor | Encoded]) -> list[Tensor]:
        values: dict[int, Tensor | Encoded] = {}
        ports = [*block["inputs"], *block["params"], *block.get("states", [])]
        for port, argument in zip(ports, arguments, strict=True):
            values[port["value"]] = argument
        for node in block["nodes"]:
            operands = [values[value] for value in node["inputs"]]
            if node["op"] in CALLS:
                callee = self.program["blocks"][node[CALLS[node["op"]]]]
                results = self.block(callee, operands)
            else:
                ty = self.type_of(block, node["outputs"][0])
                if node["op"] not in self.whole:
                    operands = [self.wide(operand) for operand in operands]
                result = self.operations[node["op"]](node, ty, *operands)
                if tuple(result.shape) != ty.shape:
                    raise FormatError(f"{node['op']} gives {tuple(result.shape)}, declared is {ty.shape}")
                results = [self.settle(result, ty.dtype)]
            values.update(zip(node["outputs"], results, strict=True))
        ends = [port["value"] for port in block["outputs"]]
        ends += [state["next"] for state in block.get("states", [])]
        return [values[value] for value in ends]


Node = dict[str, Any]
OPERATIONS: dict[str, Callable[..., Tensor]] = {}


def operation(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Enters a function under its name, less a trailing underscore where the plain name is taken. It takes the node,
    the declared type of the result, and the operands."""
    OPERATIONS[function.__name__.rstrip("_")] = function
    return function


def to_integer(tensor: Tensor, dtype: str) -> Tensor:
    """Truncated and saturated."""
    if tensor.is_floating_point():
        tensor = torch.nan_to_num(tensor.double(), nan=0.0, posinf=2.0**40, neginf=-(2.0**40)).trunc()
    limits = torch.iinfo(DTYPES[dtype])
    return tensor.long().clamp(limits.min, limits.max).to(DTYPES[dtype])


# ---- single elements

UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "neg": torch.neg,
    "abs": torch.abs,
    "exp": torch.exp,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "rsqrt": torch.rsqrt,
    "reciprocal": torch.reciprocal,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "relu": torch.relu,
}


def divide(a: Tensor, b: Tensor) -> Tensor:
    if a.is_floating_point():
        return a / b
    # In 64 bits, since the least i32 by -1 traps in 32; it wraps when it is narrowed.
    quotient = torch.div(a.long(), torch.where(b == 0, 1, b).long(), rounding_mode="trunc")
    return torch.where(b == 0, 0, quotient).to(torch.int32)


BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": divide,
    "max": torch.maximum,
    "min": torch.minimum,
    "pow": torch.pow,
}


@operation
def constant(node: Node, ty: Type) -> Tensor:
    # Not a tensor of its own, which a package would have to be given.
    return torch.full((), node["value"], dtype=torch.float64).to(DTYPES[ty.dtype])


@operation
def unary(node: Node, ty: Type, x: Tensor) -> Tensor:
    return UNARY[node["function"]](x)


@operation
def binary(node: Node, ty: Type, a: Tensor, b: Tensor) -> Tensor:
    return BINARY[node["function"]](a, b)


@operation
def cast(node: Node, ty: Type, x: Tensor) -> Tensor:
    # Settling in the declared dtype is the cast. Integers go by float64, which holds them all, so that they round once.
    return x if x.is_floating_point() or ty.dtype in INTEGERS else x.double()


@operation
def gelu(node: Node, ty: Type, x: Tensor) -> Tensor:
    if node["form"] == "quick":
        return x * torch.sigmoid(1.702 * x)
    return torch.nn.functional.gelu(x, approximate={"erf": "none", "tanh": "tanh"}[node["form"]])


@operation
def silu(node: Node, ty: Type, x: Tensor) -> Tensor:
    return torch.nn.functional.silu(x)


@operation
def reduce(node: Node, ty: Type, x: Tensor) -> Tensor:
    functions = {"sum": torch.sum, "mean": torch.mean, "max": torch.amax}
    return functions[node["function"]](x, dim=node["axes"], keepdim=True)


# ---- layout


@operation
def reshape(node: Node, ty: Type, x: Tensor) -> Tensor:
    return x.reshape(ty.shape)


@operation
def transpose(node: Node, ty: Type, x: Tensor) -> Tensor:
    return x.permute(node["permutation"])


@operation
def slice_(node: Node, ty: Type, x: Tensor) -> Tensor:
    ranges = zip(node["starts"], node["ends"], node["steps"], strict=True)
    return x[tuple(slice(*bounds) for bounds in ranges)]


@operation
def concat(node: Node, ty: Type, *parts: Tensor) -> Tensor:
    return torch.cat(parts, dim=node["axis"])


def padded(x: Tensor, axis: int, before: int, after: int, mode: str) -> Tensor:
    """One axis extended at both ends."""
    if before == 0 and after == 0:
        return x
    if mode == "replicate":
        indices = torch.arange(-before, x.shape[axis] + after).clamp(0, x.shape[axis] - 1)
        return x.index_select(axis, indices)
    shape = list(x.shape)
    ends = []
    for extent in (before, after):
        shape[axis] = extent
        ends.append(x.new_zeros(shape))
    return torch.cat([ends[0], x, ends[1]], dim=axis)


@operation
def pad(node: Node, ty: Type, x: Tensor) -> Tensor:
    for axis, (before, after) in enumerate(zip(node["before"], node["after"], strict=True)):
        x = padded(x, axis, before, after, node["mode"])
    return x


@operation
def broadcast(node: Node, ty: Type, x: Tensor) -> Tensor:
    return x.broadcast_to(ty.shape)


@operation
def gather(node: Node, ty: Type, table: Tensor, indices: Tensor) -> Tensor:
    axis = node["axis"]
    flat = indices.long().clamp(0, max(table.shape[axis] - 1, 0)).reshape(-1)
    return table.index_select(axis, flat).reshape(ty.shape)


@operation
def upsample(node: Node, ty: Type, x: Tensor) -> Tensor:
    # Each axis is given a second one of the factor's extent, and joined with it.
    for axis, factor in enumerate(node["factors"], start=2):
        x = x.unsqueeze(axis + 1).expand(*x.shape[: axis + 1], factor, *x.shape[axis + 1 :]).flatten(axis, axis + 1)
    return x


# ---- contractions


@operation
def mat_mul(node: Node, ty: Type, a: Tensor, b: Tensor) -> Tensor:
    return a @ b


@operation
def linear(node: Node, ty: Type, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if node["activation"] == "dynamic_fp8":
        x = round_rows_to_e4m3(x)
    y = x @ weight.T
    return y if bias is None else y + bias


@operation
def convolution(node: Node, ty: Type, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    for axis, (before, after) in enumerate(node["padding"]):
        x = padded(x, axis + 2, before, after, node["mode"])
    axes = len(node["stride"])
    convolve = [torch.conv1d, torch.conv2d, torch.conv3d][axes - 1]
    return convolve(x, weight, bias, node["stride"], 0, node["dilation"], node["groups"])


@operation
def attention(node: Node, ty: Type, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    scores = node["scale"] * (q @ k.transpose(-2, -1))
    return torch.softmax(scores if mask is None else scores + mask, dim=-1) @ v


@operation
def decode_(node: Node, ty: Type, x: Tensor) -> Tensor:
    # Encoded parameters are decoded when they are read.
    return x


# ---- norms and rotation


@operation
def softmax(node: Node, ty: Type, x: Tensor) -> Tensor:
    return torch.softmax(x, dim=node["axis"])


@operation
def layer_norm(node: Node, ty: Type, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weight, bias, node["eps"])


@operation
def rms_norm(node: Node, ty: Type, x: Tensor, weight: Tensor | None = None) -> Tensor:
    return torch.nn.functional.rms_norm(x, x.shape[-1:], weight, node["eps"])


@operation
def group_norm(node: Node, ty: Type, x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    # Not torch's, which refuses a group of one element.
    groups = x.reshape(x.shape[0], node["groups"], -1)
    variance, mean = torch.var_mean(groups, dim=-1, keepdim=True, correction=0)
    y = ((groups - mean) / torch.sqrt(variance + node["eps"])).reshape(x.shape)
    along_channels = [1, -1] + [1] * (x.dim() - 2)
    if weight is None or bias is None:
        return y
    return y * weight.reshape(along_channels) + bias.reshape(along_channels)


@operation
def rotary_embedding(node: Node, ty: Type, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    if node["pairing"] == "interleaved":
        first, second = x[..., 0::2], x[..., 1::2]
        turned = torch.stack([-second, first], dim=-1).reshape(x.shape)
    else:
        first, second = x.chunk(2, dim=-1)
        turned = torch.cat([-second, first], dim=-1)
    return x * cos + turned * sin


# ---- as torch's own kernels have them

COMPILED: dict[str, Callable[..., Tensor]] = {}


def compiled(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Enters a function that takes its operands as they are, not widened."""
    COMPILED[function.__name__.removeprefix("whole_")] = function
    return function


def alike(*operands: Tensor | None) -> list[Tensor | None]:
    """Operands in the dtype of the first; a decoded weight comes in f32."""
    dtype = operands[0].dtype
    return [None if operand is None else operand.to(dtype) for operand in operands]


@compiled
def whole_mat_mul(node: Node, ty: Type, a: Tensor, b: Tensor) -> Tensor:
    return a @ b


@compiled
def whole_linear(node: Node, ty: Type, x: Tensor, weight: Tensor | Encoded, bias: Tensor | None = None) -> Tensor:
    # The one operation with an encoded operand that is not decoded for it.
    if isinstance(weight, Encoded):
        is_rounded = node["activation"] == "dynamic_fp8"
        if is_rounded and x.is_cuda and fp8.fits(ty.dtype, weight.shape, weight.encoding):
            return fp8.product(x, weight, bias)
        weight = weight.values(torch.float32)
    if node["activation"] == "dynamic_fp8":
        return linear(node, ty, x.float(), weight.float(), None if bias is None else bias.float())
    if not x.is_floating_point():
        return linear(node, ty, x, weight, bias)
    return torch.nn.functional.linear(*alike(x, weight, bias))


@compiled
def whole_convolution(node: Node, ty: Type, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return convolution(node, ty, *alike(x, weight, bias))


@compiled
def whole_attention(node: Node, ty: Type, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    # With a mask, torch's own gives zeros for a query that sees nothing, where NaN is meant.
    if mask is not None or k.shape[-2] == 0:
        return attention(node, ty, *(None if x is None else x.float() for x in (q, k, v, mask)))
    return torch.nn.functional.scaled_dot_product_attention(q, k, v, scale=node["scale"])
