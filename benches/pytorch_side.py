"""The PyTorch side of beside_pytorch.py: loads one case, then runs it once for each line of standard input."""

import argparse
import json
import sys
import time
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, FluxPipeline, FluxTransformer2DModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, T5EncoderModel

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
TIME, GUIDANCE = 0.7, 4.0  # as crates/bench/src/case.rs has them


def transformer(arguments, dtype, inputs):
    model = FluxTransformer2DModel.from_pretrained(arguments.model, torch_dtype=dtype).eval()
    side = int(inputs["hidden_states"].shape[1] ** 0.5)
    ids = torch.zeros(side, side, 3)
    ids[..., 1] += torch.arange(side)[:, None]
    ids[..., 2] += torch.arange(side)[None, :]
    ids = ids.reshape(-1, 3)
    text_ids = torch.zeros(inputs["encoder_hidden_states"].shape[1], 3)
    # The rotary tables are inputs on the other side: they are made once here too.
    tables = model.pos_embed(torch.cat((text_ids, ids)))
    model.pos_embed.forward = lambda _: tables
    guidance = torch.tensor([GUIDANCE], dtype=dtype) if model.config.guidance_embeds else None
    run = compiled(arguments, model)

    def once():
        output = run(
            hidden_states=inputs["hidden_states"],
            encoder_hidden_states=inputs["encoder_hidden_states"],
            pooled_projections=inputs["pooled_projections"],
            timestep=torch.tensor([TIME], dtype=dtype),
            guidance=guidance,
            img_ids=ids,
            txt_ids=text_ids,
            return_dict=False,
        )[0]
        return {"output": output}

    return once


def vae(arguments, dtype, inputs):
    model = AutoencoderKL.from_pretrained(arguments.model, torch_dtype=dtype).eval()
    run = compiled(arguments, model.decoder)
    return lambda: {"image": run(inputs["latents"])}


def t5(arguments, dtype, inputs):
    model = T5EncoderModel.from_pretrained(arguments.model, torch_dtype=dtype).eval()
    ids, run = inputs["input_ids"].long(), compiled(arguments, model)
    return lambda: {"last_hidden_state": run(ids).last_hidden_state}


def clip(arguments, dtype, inputs):
    model = CLIPTextModel.from_pretrained(arguments.model, torch_dtype=dtype).eval()
    ids, run = inputs["input_ids"].long(), compiled(arguments, model)

    def once():
        output = run(ids)
        return {"last_hidden_state": output.last_hidden_state, "pooled": output.pooler_output}

    return once


def pipeline(arguments, dtype, _):
    made = FluxPipeline.from_pretrained(arguments.model, torch_dtype=dtype)
    made.set_progress_bar_config(disable=True)
    made.transformer = compiled(arguments, made.transformer)

    def once():
        picture = made(
            "a red heart",
            num_inference_steps=arguments.steps,
            width=256,
            height=256,
            max_sequence_length=128,
            generator=torch.Generator().manual_seed(0),
            output_type="np",
        ).images[0]
        return {"picture": (torch.from_numpy(picture) * 255).round().to(torch.uint8)}

    return once


def compiled(arguments, model):
    return torch.compile(model) if arguments.compile else model


CASES = {"transformer": transformer, "vae": vae, "t5": t5, "clip": clip, "pipeline": pipeline}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=CASES)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--dtype", choices=DTYPES)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--saved", type=Path, help="the other side's inputs.safetensors; outputs go beside it")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    file = arguments.saved / "inputs.safetensors"
    inputs = load_file(file) if file.exists() else {}
    diffusers.utils.logging.set_verbosity_error()
    with torch.inference_mode():
        started = time.perf_counter()
        once = CASES[arguments.what](arguments, DTYPES[arguments.dtype], inputs)
        outputs = once()
        cold = time.perf_counter() - started
        save_file({k: v.contiguous() for k, v in outputs.items()}, arguments.saved / "pytorch.safetensors")
        started = time.perf_counter()
        once()
        warm = time.perf_counter() - started
        once()
        print("ready", flush=True)
        steady = []
        for _ in sys.stdin:
            started = time.perf_counter()
            once()
            steady.append(time.perf_counter() - started)
            print(steady[-1], flush=True)
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, transformers)}
    seconds = {"cold": cold, "warm": warm, "steady": steady}
    threads = torch.get_num_threads()
    print(json.dumps({"seconds": seconds, "versions": versions, "threads": threads}))


if __name__ == "__main__":
    main()
