"""Model folders with random weights, in the layout that diffusers and Tintype both read.

Weights are drawn in f32 and stored in f32; each side rounds them to the dtype that it is measured in.
"""

import json
import shutil
from pathlib import Path

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

FIXTURE = Path(__file__).parent.parent / "tests/fixtures/models/flux-base"
LEVELS = 4


def transformer(**changes) -> FluxTransformer2DModel:
    config = dict(
        num_layers=4,
        num_single_layers=8,
        attention_head_dim=128,
        num_attention_heads=8,
        joint_attention_dim=1024,
        pooled_projection_dim=768,
        guidance_embeds=False,
        axes_dims_rope=(16, 56, 56),
    )
    return FluxTransformer2DModel(**{**config, **changes})


def vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * LEVELS,
        up_block_types=("UpDecoderBlock2D",) * LEVELS,
        layers_per_block=2,
        latent_channels=16,
        use_quant_conv=False,
        use_post_quant_conv=False,
        scaling_factor=0.3611,
        shift_factor=0.1159,
    )


def t5() -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            d_model=1024, d_kv=64, num_heads=16, d_ff=2816, num_layers=8, feed_forward_proj="gated-gelu"
        )
    )


def clip() -> CLIPTextModel:
    # Published Flux checkpoints say 2: the end is the largest token, whatever the tokenizer.
    return CLIPTextModel(
        CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_attention_heads=12, eos_token_id=2)
    )


MAKERS = {"transformer": transformer, "vae": vae, "text_encoder_2": t5, "text_encoder": clip}


def redraw(model: torch.nn.Module, seed: int) -> None:
    """Gives every parameter random numbers that keep activations their size: never zeros, never all ones."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() > 1:
                fan_in = parameter[0].numel()
                parameter.normal_(0.0, fan_in**-0.5, generator=generator)
            elif name.endswith("bias"):
                parameter.normal_(0.0, 0.02, generator=generator)
            else:
                parameter.normal_(1.0, 0.1, generator=generator)


def component(name: str, folder: Path, seed: int = 0, **changes) -> Path:
    """Writes one component's folder, where it is not there yet."""
    target = folder / name
    if not (target / "config.json").exists():
        model = MAKERS[name](**changes)
        redraw(model, seed)
        model.save_pretrained(target, max_shard_size="100GB")
    return target


def pipeline(folder: Path, **transformer_changes) -> Path:
    """Writes a whole Flux model: components of `MAKERS`, the fixtures' small tokenizers and scheduler."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MAKERS:
        component(name, folder, **(transformer_changes if name == "transformer" else {}))
    for name in ("tokenizer", "tokenizer_2", "scheduler"):
        shutil.copytree(FIXTURE / name, folder / name, dirs_exist_ok=True)
    index = json.loads((FIXTURE / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index, indent=2))
    return folder
