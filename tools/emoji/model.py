"""The components and their sizes: diffusers' and transformers' own classes, small enough for 14 MiB in f16 together."""

import torch
from diffusers import AutoencoderKL, FluxTransformer2DModel
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

SIZE = 128
TOKENS = 32  # of a prompt, for both text encoders
CHANNELS = 8  # of a latent, which is a factor of 8 smaller than the picture
TEXT = 128  # width of both text encoders


def autoencoder(tiny: bool = False) -> AutoencoderKL:
    levels = (8, 8, 8, 8) if tiny else (32, 48, 64, 88)
    return AutoencoderKL(
        block_out_channels=levels,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=CHANNELS,
        norm_num_groups=8,
        sample_size=SIZE,
        use_quant_conv=False,
        use_post_quant_conv=False,
        mid_block_add_attention=True,
        scaling_factor=1.0,
        shift_factor=0.0,
        force_upcast=False,
    )


def transformer(tiny: bool = False) -> FluxTransformer2DModel:
    return FluxTransformer2DModel(
        in_channels=4 * CHANNELS,
        num_layers=1,
        num_single_layers=1 if tiny else 5,
        attention_head_dim=32,
        num_attention_heads=2 if tiny else 6,
        joint_attention_dim=TEXT,
        pooled_projection_dim=TEXT,
        guidance_embeds=False,
        axes_dims_rope=(8, 12, 12),
    )


def clip_encoder(vocabulary: int, start: int, end: int) -> CLIPTextModel:
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=vocabulary,
            hidden_size=TEXT,
            intermediate_size=3 * TEXT,
            projection_dim=TEXT,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=TOKENS,
            hidden_act="quick_gelu",
            bos_token_id=start,
            eos_token_id=end,
            pad_token_id=end,
        )
    )


def t5_encoder(vocabulary: int) -> T5EncoderModel:
    return T5EncoderModel(
        T5Config(
            vocab_size=vocabulary,
            d_model=TEXT,
            d_kv=32,
            d_ff=2 * TEXT,
            num_layers=2,
            num_heads=4,
            relative_attention_num_buckets=16,
            relative_attention_max_distance=32,
            feed_forward_proj="gated-gelu",
            dropout_rate=0.0,
            initializer_factor=1.0,
        )
    )


class Denoiser(torch.nn.Module):
    """Both text encoders and the transformer: what is trained once the autoencoder is done."""

    def __init__(self, clip: CLIPTextModel, t5: T5EncoderModel, flux: FluxTransformer2DModel):
        super().__init__()
        self.clip, self.t5, self.flux = clip, t5, flux
        side = SIZE // 16
        rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
        places = torch.stack([0 * rows, rows, columns], -1).reshape(-1, 3).float()
        cosines, sines = flux.pos_embed(torch.cat([torch.zeros(TOKENS, 3), places]))
        self.register_buffer("cosines", cosines, persistent=False)
        self.register_buffer("sines", sines, persistent=False)

    def text(self, clip_ids, t5_ids):
        return self.clip(clip_ids).pooler_output, self.t5(t5_ids).last_hidden_state

    def velocity(self, tokens, sigma, pooled, text):
        """`tokens` is `[n, 64, 32]`; `sigma` `[n]` is 1 for noise and 0 for a picture.

        This is `FluxTransformer2DModel.forward` on its own modules, but the time stays in f32 where the rest is bf16:
        rounded to 8 bits, most times of an f32 run would never be trained.
        """
        flux = self.flux
        hidden = flux.x_embedder(tokens)
        time = flux.time_text_embed(sigma.float() * 1000, pooled.float())
        context = flux.context_embedder(text)
        turns = (self.cosines, self.sines)
        for block in flux.transformer_blocks:
            context, hidden = block(hidden, context, time, turns)
        for block in flux.single_transformer_blocks:
            context, hidden = block(hidden, context, time, turns)
        return flux.proj_out(flux.norm_out(hidden, time))

    def forward(self, tokens, sigma, clip_ids, t5_ids):
        return self.velocity(tokens, sigma, *self.text(clip_ids, t5_ids))


def pack(latents: torch.Tensor) -> torch.Tensor:
    """`[n, c, h, w]` to `[n, h w / 4, 4 c]`, as FluxPipeline does."""
    n, c, h, w = latents.shape
    return latents.view(n, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(n, h * w // 4, 4 * c)


def unpack(tokens: torch.Tensor) -> torch.Tensor:
    n, count, c = tokens.shape
    side = round(count**0.5)
    return tokens.view(n, side, side, c // 4, 2, 2).permute(0, 3, 1, 4, 2, 5).reshape(n, c // 4, 2 * side, 2 * side)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


if __name__ == "__main__":
    parts = {
        "vae": autoencoder(),
        "transformer": transformer(),
        "text_encoder": clip_encoder(1614, 1612, 1613),
        "text_encoder_2": t5_encoder(1600),
    }
    for name, part in parts.items():
        print(f"{name}: {count(part) / 1e6:.3f} M")
    print(f"f16: {sum(map(count, parts.values())) * 2 / 2**20:.2f} MiB")
