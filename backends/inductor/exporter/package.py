"""A module as a package: exported, compiled by Inductor, described."""

from __future__ import annotations

import difflib
import hashlib
import json
import platform
import time
import zipfile
from pathlib import Path
from typing import Any, Callable

import torch
import torch._inductor

import fp8
from compiler import shares_its_library
from encodings_of_params import is_plain
from module import ProgramModule
from template import at, dynamic_shapes

MANIFEST_VERSION = 1
CODE = "model.so"
ARCHIVE = "model.pt2"
MANIFEST = "manifest.json"
TEMPLATE = "template.json"

# Weights stay outside; without the second, small ones are written into the code, and the third folds them away.
OUTSIDE = {
    "aot_inductor.package_constants_in_so": False,
    "always_keep_tensor_constants": True,
    "joint_graph_constant_folding": False,
}
CUDA = {"aot_inductor.embed_kernel_binary": True}
# Unless an option says otherwise: headers prepared for one package would be waited for by all.
SOONER = {"aot_inductor.precompile_headers": False}

# Code is compiled for the processor of this machine: whichever of these it has, it may use.
FLAGS = ("sse", "ssse", "avx", "amx", "fma", "f16c", "bmi", "movbe", "popcnt", "aes", "vaes", "pclmul", "vpclmul", "gfni",
         "sha_ni", "abm", "adx", "asimd", "sve", "fphp", "bf16", "i8mm")


class PackageError(RuntimeError):
    """A module that makes no package."""


def build(
    program: dict[str, Any],
    identity: dict[str, Any],
    device: str,
    options: dict[str, Any],
    folder: Path,
    tell: Callable[..., None],
    template: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Writes code, archive and manifest into `folder`, which is there and empty. `identity` goes into the manifest as it
    is. With a template, the package is for all its sizes, and `program` is the one of the template."""
    check_options(options)
    started = time.monotonic()
    size = template and template["size"]
    shapes = template and {"arguments": dynamic_shapes(program, template["least"], template["most"])}
    on_gpu = device.startswith("cuda")
    if on_gpu:
        news = fp8.check(at(program, size) if size else program, torch.cuda.get_device_capability(device))
        if news is not None:
            tell("note", text=news)
    module = ProgramModule(program, size=size).eval().to(device)
    arguments = tuple(argument.to(device) for argument in module.examples())
    tell("exporting")
    # What operations make from nothing is made on the device.
    with torch.no_grad(), torch.device(device):
        exported = torch.export.export(module, arguments, strict=False, dynamic_shapes=shapes)
    refuse_constants(exported)
    seconds = {"export": time.monotonic() - started}
    tell("compiling", export_seconds=round(seconds["export"], 2))
    started = time.monotonic()
    settings = {**(SOONER if on_gpu else {}), **options, **OUTSIDE, **(CUDA if on_gpu else {})}
    torch._inductor.aoti_compile_and_package(
        exported, package_path=str(folder / ARCHIVE), inductor_configs=settings
    )
    seconds["compile"] = time.monotonic() - started
    with zipfile.ZipFile(folder / ARCHIVE) as archive:
        code = [name for name in archive.namelist() if name.endswith(".so")]
        if len(code) != 1:
            raise PackageError(f"Inductor made {len(code)} libraries, one is meant: {code}")
        library = archive.read(code[0])
    if not shares_its_library(library):
        raise PackageError("the C++ library is linked into it statically, and PyTorch's loader crashes on that: set CXX")
    (folder / CODE).write_bytes(library)
    files = [CODE, ARCHIVE]
    if template is not None:
        (folder / TEMPLATE).write_text(json.dumps(template))
        files.append(TEMPLATE)
        program = at(program, size)
    manifest = {
        "version": MANIFEST_VERSION,
        **identity,
        "device": device.split(":")[0],
        "arch": architecture(device),
        "cpu_flags": cpu_flags(),
        "torch": ".".join(torch.__version__.split("+")[0].split(".")[:3]),
        "torch_build": torch.__version__,
        "options": options,
        "seconds": {name: round(value, 2) for name, value in seconds.items()},
        **signature(program),
        "files": {name: described(folder / name) for name in files},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    return manifest


def check_options(options: dict[str, Any]) -> None:
    """Refuses options that Inductor does not have, or of another type than it has them, before anything takes time."""
    known = torch._inductor.config.get_config_copy()
    for name, value in options.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f"; it has {', '.join(near)}" if near else ""
            raise PackageError(f"the Inductor of torch {torch.__version__} has no option {name}{hint}")
        wanted = type(known[name])
        # A number may be a whole one; what is None by itself may be anything.
        if known[name] is not None and not (type(value) is wanted or (wanted, type(value)) == (float, int)):
            raise PackageError(f"option {name} is of type {wanted.__name__}, and {json.dumps(value)} is not")


def refuse_constants(exported: torch.export.ExportedProgram) -> None:
    """Refuses tensors that are none of the Program's parameters: nobody would bind them."""
    strangers = sorted(exported.constants.keys() | {name for name in exported.state_dict if not name.startswith("p")})
    if strangers:
        raise PackageError(f"the exported module has tensors that are no parameters: {', '.join(strangers)}")


def signature(program: dict[str, Any]) -> dict[str, Any]:
    """What a run is given and gives, with types, in the order of the call; parameters by their position."""
    entry = program["blocks"][-1]

    def slots(ports: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{"name": port["name"], **entry["values"][port["value"]]} for port in ports]

    params = slots(entry["params"])
    for slot, port in zip(params, entry["params"], strict=True):
        slot["encoded"] = not is_plain(port.get("encoding"))
    return {
        "inputs": slots(entry["inputs"]),
        "states": slots(entry.get("states", [])),
        "outputs": slots(entry["outputs"]),
        "params": params,
    }


def architecture(device: str) -> str:
    """What code for the device is compiled for: `x86_64`, `sm_90`."""
    if device.startswith("cuda"):
        major, minor = torch.cuda.get_device_capability(device)
        return f"sm_{major}{minor}"
    return platform.machine()


def cpu_flags() -> list[str]:
    """The instructions that this processor has beyond its architecture's own, as the system lists them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return []
    for line in lines:
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return sorted(flag for flag in flags.split() if flag.startswith(FLAGS))
    return []


def described(path: Path) -> dict[str, Any]:
    """A file's size and digest."""
    data = path.read_bytes()
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
