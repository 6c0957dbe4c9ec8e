"""Runs every exported case through the reader and holds it against the Rust interpreter.

    cargo run -p tintype-conformance --example export_cases -- DIR
    python tests/program_reader/test_cases.py DIR

In float64 the two must agree to rounding in float64; in the declared dtypes, within the case's own tolerance. The reader is
that of the Inductor exporter, and every case runs as the module that is exported, too.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import torch
from torch._subclasses import FakeTensorMode

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "backends" / "inductor" / "exporter"))

import fp8  # noqa: E402
from module import ProgramModule  # noqa: E402
from reader import DTYPES, INTEGERS, Evaluator, FormatError, read  # noqa: E402

# Sums of a thousand terms in another order, and functions from another library, in float64.
EXACT = {"element": 1e-11, "whole": 1e-12}

# Hardware may flush f32 and bf16 below their normal range; f16 is trusted to its least subnormal.
LEAST = {"f32": 2.0**-126, "bf16": 2.0**-126, "f16": 2.0**-24}


def expected(data: bytes, place: dict[str, int], shape: list[int]) -> torch.Tensor:
    if place["bytes"] == 0:
        return torch.empty(shape, dtype=torch.float64)
    part = data[place["offset"] : place["offset"] + place["bytes"]]
    return torch.frombuffer(bytearray(part), dtype=torch.float64).reshape(shape)


def disagreement(got: torch.Tensor, want: torch.Tensor, dtype: str, tolerance: dict[str, float]) -> str | None:
    """What is wrong with a result, if anything."""
    got = got.double()
    # What is too large for the dtype is infinite in it.
    rounded = want if dtype in INTEGERS else want.to(DTYPES[dtype]).double()
    finite = want[want.isfinite()].abs()
    largest = finite.max().item() if finite.numel() else 0.0
    # A tolerance of nothing is that of the correctly rounded result.
    inexact = dtype not in INTEGERS and any(tolerance.values())
    allowed = tolerance["element"] * want.abs() + tolerance["whole"] * largest + LEAST.get(dtype, 0.0)
    close = (got - want).abs() <= (allowed if inexact else torch.zeros_like(want))
    right = close | (got == want) | (got == rounded) | (got.isnan() & want.isnan())
    if right.all():
        return None
    wrong = (~right).reshape(-1).nonzero()[0].item()
    return (
        f"{(~right).sum().item()} of {right.numel()} elements; "
        f"element {wrong} is {got.reshape(-1)[wrong]}, not {want.reshape(-1)[wrong]}"
    )


# Half the distance from 1 to the next number.
ROUNDOFF = {"f16": 2.0**-11, "bf16": 2.0**-8}


def on_device(tolerance: dict[str, float], program: dict[str, Any], device: str) -> dict[str, float]:
    """What a module is allowed on a device: GPUs add the bias of a convolution to what they have rounded."""
    if device == "cpu":
        return tolerance
    roundings = [
        ROUNDOFF.get(block["values"][node["outputs"][0]]["dtype"], 0.0)
        for block in program["blocks"]
        for node in block["nodes"]
        if node["op"] == "convolution" and len(node["inputs"]) > 2
    ]
    return {**tolerance, "whole": tolerance["whole"] + 2.0 * sum(roundings)}


def run_module(
    program: dict[str, Any], given: dict[str, bytes], device: str
) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Outputs and states by name, from the torch module that the Program makes."""
    entry = program["blocks"][-1]
    evaluator = Evaluator(program, exact=False)
    stored = {port["name"]: evaluator.stored(port, given[port["name"]]) for port in evaluator.ports()}
    module = ProgramModule(program, [stored[port["name"]] for port in entry["params"]]).to(device)
    states = entry.get("states", [])
    with torch.no_grad(), torch.device(device):
        results = module(*(stored[port["name"]].to(device) for port in [*entry["inputs"], *states]))
    results = [result.cpu() for result in results]
    outputs = len(entry["outputs"])
    named = [(port["name"], result) for port, result in zip([*entry["outputs"], *states], results, strict=True)]
    return dict(named[:outputs]), dict(named[outputs:])


def complaints(case: dict[str, Any], data: bytes, device: str) -> list[str]:
    """Everything that is wrong with one case."""
    program = read(json.dumps(case["program"]))
    given = {name: data[p["offset"] : p["offset"] + p["bytes"]] for name, p in case["given"].items()}
    entry = program["blocks"][-1]
    found = []
    allowed = case["tolerance"]
    ways = (("float64", EXACT), ("declared dtypes", allowed), ("the module", on_device(allowed, program, device)))
    for arithmetic, tolerance in ways:
        evaluator = Evaluator(program, exact=arithmetic == "float64")
        outputs, states = run_module(program, given, device) if arithmetic == "the module" else evaluator.run(given)
        for role, ports, results in (("outputs", entry["outputs"], outputs), ("states", entry.get("states", []), states)):
            if {port["name"] for port in ports} != set(case[role]):
                found.append(f"{role} have other names")
                continue
            for port in ports:
                name, ty = port["name"], evaluator.type_of(entry, port["value"])
                want = expected(data, case[role][name], list(ty.shape))
                wrong = disagreement(results[name], want, ty.dtype, tolerance)
                if wrong:
                    found.append(f"{name!r} in {arithmetic}: {wrong}")
    return found


def refusals() -> list[str]:
    """Programs that must be refused and are not."""
    ty = {"dtype": "f32", "shape": [2]}
    port = {"name": "x", "value": 0}

    def program(**changes: Any) -> str:
        block = {"name": "b", "values": [ty, ty], "inputs": [port], "params": [], "outputs": [], "nodes": []}
        return json.dumps({"version": 1, "blocks": [{**block, **changes}], "sources": []})

    silu = {"op": "silu", "inputs": [0], "outputs": [1]}
    bad = {
        "another version": program().replace('"version": 1', '"version": 2'),
        "an unknown operation": program(nodes=[{**silu, "op": "frobnicate"}]),
        "a value before it is defined": program(nodes=[{**silu, "inputs": [1]}]),
        "a value defined twice": program(nodes=[silu, silu]),
        "a call of itself": program(nodes=[{**silu, "op": "call", "block": 0}]),
        "an undefined output": program(outputs=[{"name": "y", "value": 1}]),
    }
    read(program(nodes=[silu], outputs=[{"name": "y", "value": 1}]))
    accepted = []
    for what, text in bad.items():
        try:
            read(text)
            accepted.append(f"{what} is accepted")
        except FormatError:
            pass
    return accepted


def fp8_refusals() -> list[str]:
    """What is wrong with how products of 8-bit codes are refused and told, if anything."""
    types = {"x": [32, 16], "w": [16, 16], "narrow": [8, 16], "y": [32, 16], "z": [32, 8]}
    encoding = {"kind": "fp8", "format": "e4m3", "scales": {"per": "row"}}
    params = [{"name": name, "value": value, "encoding": encoding} for name, value in (("w", 1), ("narrow", 2))]
    nodes = [
        {"op": "linear", "activation": "dynamic_fp8", "inputs": [0, 1], "outputs": [3]},
        {"op": "linear", "activation": "dynamic_fp8", "inputs": [3, 2], "outputs": [4]},
    ]
    block = {
        "name": "b",
        "values": [{"dtype": "bf16", "shape": shape} for shape in types.values()],
        "inputs": [{"name": "x", "value": 0}],
        "params": params,
        "outputs": [{"name": "z", "value": 4}],
        "nodes": nodes,
    }
    program = {"version": 1, "blocks": [block], "sources": [{"from": "zeros"}] * 2}
    found = []
    told = fp8.check(program, (9, 0))
    if told is None or not told.startswith("1 of 2 layers"):
        found.append(f"a layer that is no product of codes is told as {told!r}")
    if fp8.check({**program, "blocks": [{**block, "nodes": nodes[:1]}]}, (9, 0)) is not None:
        found.append("a layer that is a product of codes is not taken for one")
    if fp8.check({**program, "blocks": [{**block, "nodes": []}]}, (8, 0)) is not None:
        found.append("a Program without layers in 8 bits is not for every GPU")
    try:
        fp8.check(program, (8, 9))
        found.append("a GPU below compute capability 9.0 is not refused")
    except fp8.Fp8Error as error:
        if "8.9" not in str(error):
            found.append(f"the refusal does not name the GPU's capability: {error}")
    return found


def fp8_exports(cases: list[dict[str, Any]]) -> list[str]:
    """What is wrong with the layers in 8 bits of modules that are exported for a GPU, if anything. None is needed for that: torch knows
    what its products take without one."""
    found, products = [], 0
    for case in cases:
        layers = list(fp8.layers(case["program"]))
        if not layers:
            continue
        with FakeTensorMode(allow_non_fake_inputs=True), torch.device("cuda"), torch.no_grad():
            module = ProgramModule(case["program"]).eval().to("cuda")
            arguments = tuple(argument.to("cuda") for argument in module.examples())
            exported = torch.export.export(module, arguments, strict=False)
        calls = [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]
        made = sum("_scaled_mm" in call for call in calls)
        products += made
        if made != sum(layers):
            found.append(f"{case['name']}: {made} products of codes in the exported module, {sum(layers)} are meant")
    if products == 0:
        found.append("no case has a layer that is a product of codes")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="what the example export_cases wrote")
    parser.add_argument("--device", default="cpu", help="where the module runs")
    asked = parser.parse_args()
    folder = asked.folder
    # As packages are run.
    torch.backends.cudnn.allow_tf32 = False
    cases = json.loads((folder / "cases.json").read_text())
    data = (folder / "data.bin").read_bytes()
    failed = 0
    for case in cases:
        found = complaints(case, data, asked.device)
        failed += bool(found)
        for complaint in found:
            print(f"FAILED {case['name']}: {complaint}")
    accepted = [*refusals(), *fp8_refusals(), *fp8_exports(cases)]
    for complaint in accepted:
        print(f"FAILED reader: {complaint}")
    good = not failed and not accepted and bool(cases)
    verdict = "PASSED" if good else "FAILED"
    print(f"{verdict}: {len(cases) - failed} of {len(cases)} cases agree, torch {torch.__version__}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
