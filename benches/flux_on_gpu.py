"""A step of Flux.1-dev at full size beside compiled PyTorch, in turns on one GPU.

    python benches/flux_on_gpu.py --rounds 5 --steps 28 --binary target/release/tintype

1024 x 1024, 512 tokens of text, bf16, random weights, one process each. PyTorch: diffusers' transformer, query, key and value
fused, `compile_repeated_blocks(fullgraph=True)` in the mode of `--mode`, cuDNN attention. `max-autotune-no-cudagraphs` tunes for
more than five minutes. Prints one JSON object.
"""

import argparse
import json
import time
from pathlib import Path

import torch
from diffusers import FluxTransformer2DModel
from rounds import Turns, median_ratio
from torch.nn.attention import SDPBackend, sdpa_kernel

ROOT = Path(__file__).resolve().parents[1]


def theirs(mode: str):
    config = torch._inductor.config
    if mode != "default":
        config.conv_1x1_as_mm = config.coordinate_descent_tuning = config.coordinate_descent_check_all_directions = True
        config.epilogue_fusion = False
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("meta"):
        model = FluxTransformer2DModel(guidance_embeds=True)
    model = model.to_empty(device="cuda")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0, 0.02)
    torch.set_default_dtype(torch.float32)
    model = model.to(torch.bfloat16).eval().requires_grad_(False)
    model.fuse_qkv_projections()
    kind = dict(device="cuda", dtype=torch.bfloat16)
    inputs = dict(
        hidden_states=torch.randn(1, 4096, 64, **kind), encoder_hidden_states=torch.randn(1, 512, 4096, **kind),
        pooled_projections=torch.randn(1, 768, **kind), timestep=torch.tensor([0.5], **kind),
        guidance=torch.tensor([3.5], **kind), img_ids=torch.randn(4096, 3, **kind), txt_ids=torch.zeros(512, 3, **kind),
        return_dict=False,
    )
    model.compile_repeated_blocks(fullgraph=True, mode=mode)
    return lambda: model(**inputs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=28)
    parser.add_argument("--mode", default="default", help="of torch.compile")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    arguments = parser.parse_args()
    command = [str(arguments.binary), "bench", "transformer", "--backend", "cuda", "--preset", "flux-dev"]
    # Their compiled blocks compute the modulations in every step; ours once for all of them, and that once is counted.
    command += ["--dtype", "bf16", "--steps", str(arguments.steps), "--rounds-on-stdin", "--json"]
    ours = Turns(command, threads=8)
    pairs = []
    with torch.no_grad(), sdpa_kernel(SDPBackend.CUDNN_ATTENTION):
        begun = time.perf_counter()
        step = theirs(arguments.mode)
        step()
        torch.cuda.synchronize()
        compile_seconds = time.perf_counter() - begun
        for _ in range(arguments.rounds + 1):
            a = ours.once() / arguments.steps
            torch.cuda.synchronize()
            begun = time.perf_counter()
            for _ in range(arguments.steps):
                step()
            torch.cuda.synchronize()
            pairs.append((a, (time.perf_counter() - begun) / arguments.steps))
    pairs = pairs[1:]  # the first warms both up
    result = ours.finish()
    report = {
        "device": torch.cuda.get_device_name(), "torch": torch.__version__, "cudnn": torch.backends.cudnn.version(),
        "mode": arguments.mode, "their_compile_seconds": compile_seconds, "rounds": pairs, "theirs_over_ours": median_ratio(pairs),
        "ours": result["versions"], "our_steps": result["seconds"]["steps"],
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
