"""One double and one single Flux block at full width and 4,608 tokens, in bf16, against diffusers in float64.

    python tests/gpu/block.py --binary target/release/tintype

Random weights, the same for both sides; diffusers' own bf16 is held against float64 as well. Needs a GPU of 24 GB and
diffusers. Prints one JSON object: relative errors, and the ratio of ours to diffusers'.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benches"))
import folders  # noqa: E402
import pytorch_side  # noqa: E402

FULL = dict(num_layers=1, num_single_layers=1, num_attention_heads=24, joint_attention_dim=4096)


def run(model, inputs, dtype):
    side = int(inputs["hidden_states"].shape[1] ** 0.5)
    ids = torch.zeros(side, side, 3)
    ids[..., 1] += torch.arange(side)[:, None]
    ids[..., 2] += torch.arange(side)[None, :]
    text = torch.zeros(inputs["encoder_hidden_states"].shape[1], 3)
    given = {name: inputs[name].to("cuda", dtype) for name in ("hidden_states", "encoder_hidden_states", "pooled_projections")}
    time = torch.tensor([pytorch_side.TIME], dtype=torch.bfloat16).to("cuda", dtype)
    with torch.inference_mode():
        output = model(
            **given, timestep=time, guidance=None, img_ids=ids.reshape(-1, 3).cuda(), txt_ids=text.cuda(), return_dict=False
        )[0]
    return output.double().cpu()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/tintype")
    parser.add_argument("--backend", default="cuda")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        model = folders.transformer(**FULL)
        folders.redraw(model, 0)
        # Stored as bf16, so that every side starts from the same numbers.
        model = model.to(torch.bfloat16)
        model.save_pretrained(folder / "transformer")
        command = [arguments.binary, "bench", "transformer", "--backend", arguments.backend, "--dtype", "bf16"]
        command += ["--model", folder / "transformer", "--width", "1024", "--height", "1024", "--text-tokens", "512"]
        command += ["--repeats", "10", "--save", folder / "saved", "--json"]
        result = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        inputs = load_file(folder / "saved/inputs.safetensors")
        ours = load_file(folder / "saved/outputs.safetensors")["output"].double()
        theirs = run(model.cuda().eval(), inputs, torch.bfloat16)
        exact = run(model.double(), inputs, torch.float64)
    error = lambda x: ((x - exact).norm() / exact.norm()).item()  # noqa: E731
    report = {"ours": error(ours), "diffusers_bf16": error(theirs), "ratio": error(ours) / error(theirs)}
    report["largest"] = {"ours": (ours - exact).abs().max().item(), "diffusers_bf16": (theirs - exact).abs().max().item()}
    report["median_seconds"] = result["seconds"]["summary"]["median"]
    report["device"] = torch.cuda.get_device_name()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
