"""Inductor packages run by Tintype, beside the same packages run by Python, Tintype's own engine and PyTorch, in turns on one device.

    python benches/inductor_on_gpu.py --binary target/release/tintype --folder /dev/shm/inductor

One run of Flux.1-dev's denoiser, 1024 x 1024, 512 tokens of text, bf16, random weights. Captures it, compiles packages of its
repeated blocks and of what stands between them, and times that; then takes turns. The packages run in a CUDA graph in Tintype and
in Python (which binds one set of weights to all calls of a block, so that four models' weights need not fit). PyTorch: diffusers'
transformer, query, key and value fused, attention by cuDNN, eager and with `compile_repeated_blocks(fullgraph=True)`. All five
fill 79 GiB of a device. Prints one JSON object.

`fp8-row` and `fp8-tensor` are packages of the same denoiser with `--quantize`, `tuned` ones with the options of published recipes,
`fused` ones with `--fuse-qkv`. With `--errors`, what packages of each kind gave is held against Tintype's own engine in f32, which
runs at the end, alone. `--backend cpu --preset tiny --dtype f32` tries all of it without a GPU.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from rounds import Turns, median_ratio

ROOT = Path(__file__).resolve().parents[1]
CONTENDERS = ("packages", "python", "native", "eager", "compiled")
QUANTIZED = ("fp8-row", "fp8-tensor")
# What recipes for FLUX.1 hand to Inductor: products and kernels are tried in many forms, and the quickest taken.
RECIPE = [
    "max_autotune=true", "conv_1x1_as_mm=true", "epilogue_fusion=false",
    "coordinate_descent_tuning=true", "coordinate_descent_check_all_directions=true",
]
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16, "i32": torch.int32, "u8": torch.uint8}
# Sizes of the presets of `tintype bench transformer`.
PRESETS = {
    "flux-dev": dict(config=dict(guidance_embeds=True), side=1024, text_tokens=512),
    "flux-4-8": dict(
        config=dict(
            num_layers=4, num_single_layers=8, attention_head_dim=128, num_attention_heads=8, joint_attention_dim=1024,
            pooled_projection_dim=768, guidance_embeds=False, axes_dims_rope=[16, 56, 56],
        ),
        side=512, text_tokens=128,
    ),
    "tiny": dict(
        config=dict(
            num_layers=2, num_single_layers=2, attention_head_dim=16, num_attention_heads=2, joint_attention_dim=32,
            pooled_projection_dim=32, guidance_embeds=True, axes_dims_rope=[4, 6, 6],
        ),
        side=64, text_tokens=8,
    ),
}


def timed(command: list[str]) -> tuple[float, str]:
    """Seconds, and what it printed."""
    begun = time.perf_counter()
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if told.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {told.returncode}")
    return time.perf_counter() - begun, told.stdout


def distance(one: Path, other: Path) -> float:
    """How far apart two saved outputs are, beside how large the other is."""
    from safetensors.torch import load_file

    pairs = [(load_file(folder / "outputs.safetensors")) for folder in (one, other)]
    a, b = (torch.cat([tensors[name].double().flatten() for name in sorted(tensors)]) for tensors in pairs)
    return ((a - b).norm() / b.norm()).item()


def wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def with_options(options: list[str]) -> list[str]:
    """As `tintype aot compile` takes Inductor's options."""
    return [part for option in options for part in ("--option", option)]


def random_of(slot: dict, device: str) -> torch.Tensor:
    """A tensor such as a manifest's slot wants."""
    shape, dtype = slot["shape"], DTYPES[slot["dtype"]]
    if not dtype.is_floating_point:
        return torch.zeros(shape, dtype=dtype, device=device)
    fan_in = max(1, shape[-1]) if len(shape) > 1 else 1
    return torch.randn(shape, device=device).mul_(fan_in**-0.5).to(dtype)


class PythonPackages:
    """The packages of a folder in the order that Tintype runs them in, loaded by PyTorch's own loader."""

    def __init__(self, folder: Path, device: str):
        order = json.loads(next(folder.glob("*.regions.json")).read_text())
        self.runs, self.outputs = order["runs"], order["outputs"]
        self.manifests = [json.loads((folder / name / "manifest.json").read_text()) for name in order["packages"]]
        weights = [
            {f"p{i}": random_of(slot, device) for i, slot in enumerate(manifest["params"])} for manifest in self.manifests
        ]
        self.models = []
        for run in self.runs:
            archive = folder / order["packages"][run["region"]] / "model.pt2"
            # As Tintype runs them; the other way may not be captured.
            model = torch._inductor.aoti_load_package(str(archive), run_single_threaded=True)
            known = set(model.get_constant_fqns())
            bound = {name: value for name, value in weights[run["region"]].items() if name in known}
            model.load_constants(bound, check_full_update=True, user_managed=True)
            self.models.append(model)
        self.arguments = {}
        for run in self.runs:
            for operand, slot in zip(run["arguments"], self.manifests[run["region"]]["inputs"]):
                if "argument" in operand:
                    self.arguments.setdefault(operand["argument"], random_of(slot, device))

    def __call__(self) -> list[torch.Tensor]:
        made = {}
        for run, model in zip(self.runs, self.models):
            given = [
                made[operand["made"]] if "made" in operand else self.arguments[operand["argument"]]
                for operand in run["arguments"]
            ]
            made.update(zip(run["results"], model(*given)))
        return [made[slot] for slot in self.outputs]


def captured(step, device: str):
    """The step in a CUDA graph, where there is CUDA."""
    if device != "cuda":
        return step
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    side.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=side):
        step.kept = step()
    return graph.replay


def transformer(preset: dict, dtype: torch.dtype, device: str):
    """Diffusers' model with random weights, and its inputs."""
    from diffusers import FluxTransformer2DModel

    torch.set_default_dtype(dtype)
    with torch.device("meta"):
        model = FluxTransformer2DModel(**preset["config"])
        model.fuse_qkv_projections()
        # Each is in the fused one, and diffusers keeps both: three models' weights would not fit beside each other.
        for module in model.modules():
            if getattr(module, "fused_projections", False):
                for name in ("to_q", "to_k", "to_v", "add_q_proj", "add_k_proj", "add_v_proj"):
                    if hasattr(module, name):
                        delattr(module, name)
    model = model.to_empty(device=device)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    torch.set_default_dtype(torch.float32)
    model = model.to(dtype).eval().requires_grad_(False)
    kind = dict(device=device, dtype=dtype)
    tokens, text = (preset["side"] // 16) ** 2, preset["text_tokens"]
    config = model.config
    inputs = dict(
        hidden_states=torch.randn(1, tokens, config.in_channels, **kind),
        encoder_hidden_states=torch.randn(1, text, config.joint_attention_dim, **kind),
        pooled_projections=torch.randn(1, config.pooled_projection_dim, **kind),
        timestep=torch.tensor([0.5], **kind), guidance=torch.tensor([3.5], **kind),
        img_ids=torch.randn(tokens, 3, **kind), txt_ids=torch.zeros(text, 3, **kind), return_dict=False,
    )
    return model, inputs


def in_turn(step, device: str, repeats: int) -> float:
    """Seconds of one run, of several one behind another."""
    wait(device)
    begun = time.perf_counter()
    for _ in range(repeats):
        step()
    wait(device)
    return (time.perf_counter() - begun) / repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5, help="runs of PyTorch's in a round; Tintype does one")
    parser.add_argument("--backend", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--preset", choices=sorted(PRESETS), default="flux-dev")
    parser.add_argument("--dtype", choices=("bf16", "f32"), default="bf16")
    parser.add_argument("--folder", type=Path, default=Path("inductor-bench"), help="for what is captured and compiled")
    parser.add_argument("--option", action="append", default=[], help="for `tintype aot compile`")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help=f"also tuned, fused, {' and '.join(QUANTIZED)}")
    parser.add_argument("--compiled", action="store_true", help="the folder has the packages of an earlier run: none are made")
    parser.add_argument("--errors", action="store_true", help="hold the outputs of packages against f32")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    arguments = parser.parse_args()
    chosen = arguments.contenders.split(",")
    known = [*CONTENDERS, "tuned", "fused", *QUANTIZED]
    if set(chosen) - set(known):
        parser.error(f"contenders are {', '.join(known)}")
    preset, dtype, device = PRESETS[arguments.preset], DTYPES[arguments.dtype], arguments.backend
    packages, binary = arguments.folder / "packages", str(arguments.binary)
    # Of each kind of packages: what is said to capture and to run them, and what to compile them.
    known_kinds = {"packages": ([], []), "tuned": ([], with_options(RECIPE)), "fused": ([], ["--fuse-qkv"])}
    known_kinds |= {name: (["--quantize", name], []) for name in QUANTIZED}
    wanted = {*chosen, "packages"} if "python" in chosen else set(chosen)
    kinds = {name: words for name, words in known_kinds.items() if name in wanted}
    capture_seconds, compile_seconds = {}, {}
    for name, (quantize, more) in ({} if arguments.compiled else kinds).items():
        folder, programs = arguments.folder / name, arguments.folder / f"captured-{name}"
        capture_seconds[name], _ = timed(
            [binary, "aot", "capture", "--preset", arguments.preset, "--dtype", arguments.dtype, *quantize, "-o", str(programs)]
        )
        compiling = [binary, "aot", "compile", str(programs), "-o", str(folder), "--blocks", "--device", device]
        compile_seconds[name], _ = timed([*compiling, *with_options(arguments.option), *more])
        print(f"{name}: captured in {capture_seconds[name]:.2f} s, compiled in {compile_seconds[name]:.1f} s", file=sys.stderr)

    module = [binary, "bench", "transformer", "--backend", device, "--preset", arguments.preset]
    bench = [*module, "--dtype", arguments.dtype, "--rounds-on-stdin", "--json"]
    launch = ["--launch", "graph" if device == "cuda" else "compiled"]
    # CUDA memory that is not used is theirs: opened before PyTorch's own is filled.
    ours, steps, seconds = {}, {}, {}
    for name, (quantize, _) in kinds.items():
        if name not in chosen:
            continue
        begun = time.perf_counter()
        engine = ["--engine", "inductor", "--packages", str(arguments.folder / name), *quantize]
        saved = ["--save", str(arguments.folder / f"out-{name}")] if arguments.errors else []
        ours[name] = Turns([*bench, *launch, *engine, *saved], threads=8)
        seconds[f"{name}_ready"] = time.perf_counter() - begun
        print(f"{name}: ready in {seconds[f'{name}_ready']:.1f} s, weights drawn", file=sys.stderr)
    if "native" in chosen:
        begun = time.perf_counter()
        ours["native"] = Turns([*bench, *launch], threads=8)
        seconds["native_ready"] = time.perf_counter() - begun

    from torch.nn.attention import SDPBackend, sdpa_kernel

    attention = sdpa_kernel(SDPBackend.CUDNN_ATTENTION) if device == "cuda" else nullcontext()
    with torch.no_grad(), attention:
        if "python" in chosen:
            begun = time.perf_counter()
            steps["python"] = captured(PythonPackages(packages, device), device)
            seconds["python_ready"] = time.perf_counter() - begun
        if {"eager", "compiled"} & set(chosen):
            model, inputs = transformer(preset, dtype, device)
            blocks = [*model.transformer_blocks, *model.single_transformer_blocks]
            model.compile_repeated_blocks(fullgraph=True)
            compiled_calls = [block._compiled_call_impl for block in blocks]

            def step_with(calls):
                def step():
                    for block, call in zip(blocks, calls):
                        block._compiled_call_impl = call
                    model(**inputs)

                return step

            if "eager" in chosen:
                steps["eager"] = step_with([None] * len(blocks))
            if "compiled" in chosen:
                steps["compiled"] = step_with(compiled_calls)
                begun = time.perf_counter()
                steps["compiled"]()
                wait(device)
                seconds["compile_repeated_blocks"] = time.perf_counter() - begun
        rounds = []
        for _ in range(arguments.rounds + 1):
            one = {}
            for name in chosen:
                own = ours.get(name)
                one[name] = own.once() if own else in_turn(steps[name], device, arguments.repeats)
            rounds.append(one)
            print(json.dumps(one), file=sys.stderr)
    rounds = rounds[1:]  # the first warms all up
    results = {name: process.finish() for name, process in ours.items()}
    errors = {}
    if arguments.errors:
        exact = arguments.folder / "out-f32"
        timed([*module, "--dtype", "f32", "--warmup", "0", "--repeats", "1", "--save", str(exact)])
        errors = {name: distance(arguments.folder / f"out-{name}", exact) for name in kinds if name in chosen}
    manifests = {
        name: [json.loads(path.read_text()) for path in sorted((arguments.folder / name).glob("*/manifest.json"))]
        for name in kinds
    }
    first = chosen[0]
    report = {
        "device": torch.cuda.get_device_name() if device == "cuda" else "cpu",
        "torch": torch.__version__, "preset": arguments.preset, "dtype": arguments.dtype,
        "options": {name: [*with_options(arguments.option), *more] for name, (_, more) in kinds.items()},
        "capture_seconds": capture_seconds, "compile_seconds": compile_seconds, "ready_seconds": seconds,
        "packages": {
            name: [{key: manifest[key] for key in ("name", "kind", "arch", "seconds")} for manifest in own]
            for name, own in manifests.items()
        },
        "relative_error_to_f32": errors,
        "rounds": rounds,
        "median_seconds": {name: statistics.median(one[name] for one in rounds) for name in chosen},
        f"over_{first}": {
            name: median_ratio([(one[first], one[name]) for one in rounds]) for name in chosen if name != first
        },
        "ours": {name: {key: result.get(key) for key in ("versions", "engine", "quantize", "packages", "counters", "seconds")} for name, result in results.items()},
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
