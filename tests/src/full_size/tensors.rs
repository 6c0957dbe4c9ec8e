//! The names and shapes of FLUX.1's tensors, in the order in which their modules hold them.

/// A name and a shape.
pub(super) type Tensor = (String, Vec<u64>);
/// Tensors in order.
pub(super) type Tensors = Vec<Tensor>;

/// Width of the denoiser; its heads have 128 elements.
const WIDTH: u64 = 3072;

/// A list in the making, under a prefix.
#[derive(Default)]
struct List {
    prefix: String,
    tensors: Tensors,
}

impl List {
    /// What `fill` adds stands under `name`.
    fn under(&mut self, name: &str, fill: impl FnOnce(&mut Self)) {
        let outer = self.prefix.len();
        self.prefix.push_str(name);
        self.prefix.push('.');
        fill(self);
        self.prefix.truncate(outer);
    }

    fn push(&mut self, name: &str, shape: &[u64]) {
        self.tensors.push((format!("{}{name}", self.prefix), shape.to_vec()));
    }

    fn weight(&mut self, name: &str, shape: &[u64]) {
        self.push(&format!("{name}.weight"), shape);
    }

    /// A weight, and a bias as long as its first axis.
    fn biased(&mut self, name: &str, shape: &[u64]) {
        self.weight(name, shape);
        self.push(&format!("{name}.bias"), &shape[..1]);
    }
}

/// `FluxTransformer2DModel`, told a guidance or not.
pub(super) fn transformer(guided: bool) -> Tensors {
    let mut list = List::default();
    list.under("time_text_embed", |list| {
        let embedders = [
            ("timestep_embedder", 256, true),
            ("guidance_embedder", 256, guided),
            ("text_embedder", 768, true),
        ];
        for (name, width, _) in embedders.iter().filter(|(_, _, there)| *there) {
            list.biased(&format!("{name}.linear_1"), &[WIDTH, *width]);
            list.biased(&format!("{name}.linear_2"), &[WIDTH, WIDTH]);
        }
    });
    list.biased("context_embedder", &[WIDTH, 4096]);
    list.biased("x_embedder", &[WIDTH, 64]);
    for i in 0..19 {
        list.under(&format!("transformer_blocks.{i}"), double_block);
    }
    for i in 0..38 {
        list.under(&format!("single_transformer_blocks.{i}"), single_block);
    }
    list.biased("norm_out.linear", &[2 * WIDTH, WIDTH]);
    list.biased("proj_out", &[64, WIDTH]);
    list.tensors
}

fn double_block(list: &mut List) {
    list.biased("norm1.linear", &[6 * WIDTH, WIDTH]);
    list.biased("norm1_context.linear", &[6 * WIDTH, WIDTH]);
    list.under("attn", |list| {
        for name in ["norm_q", "norm_k", "norm_added_q", "norm_added_k"] {
            list.weight(name, &[128]);
        }
        for name in
            ["to_q", "to_k", "to_v", "to_out.0", "add_q_proj", "add_k_proj", "add_v_proj", "to_add_out"]
        {
            list.biased(name, &[WIDTH, WIDTH]);
        }
    });
    for name in ["ff", "ff_context"] {
        list.biased(&format!("{name}.net.0.proj"), &[4 * WIDTH, WIDTH]);
        list.biased(&format!("{name}.net.2"), &[WIDTH, 4 * WIDTH]);
    }
}

fn single_block(list: &mut List) {
    list.biased("norm.linear", &[3 * WIDTH, WIDTH]);
    list.biased("proj_mlp", &[4 * WIDTH, WIDTH]);
    list.biased("proj_out", &[WIDTH, 5 * WIDTH]);
    list.under("attn", |list| {
        list.weight("norm_q", &[128]);
        list.weight("norm_k", &[128]);
        for name in ["to_q", "to_k", "to_v"] {
            list.biased(name, &[WIDTH, WIDTH]);
        }
    });
}

/// `CLIPTextModel` of ViT-L/14.
pub(super) fn clip() -> Tensors {
    let mut list = List::default();
    list.under("text_model", |list| {
        list.weight("embeddings.token_embedding", &[49_408, 768]);
        list.weight("embeddings.position_embedding", &[77, 768]);
        for i in 0..12 {
            list.under(&format!("encoder.layers.{i}"), |list| {
                for name in ["k_proj", "v_proj", "q_proj", "out_proj"] {
                    list.biased(&format!("self_attn.{name}"), &[768, 768]);
                }
                list.biased("layer_norm1", &[768]);
                list.biased("mlp.fc1", &[3072, 768]);
                list.biased("mlp.fc2", &[768, 3072]);
                list.biased("layer_norm2", &[768]);
            });
        }
        list.biased("final_layer_norm", &[768]);
    });
    list.tensors
}

/// `T5EncoderModel` of T5 1.1 XXL. Its token table is stored once, under the name that encoder and decoder share.
pub(super) fn t5() -> Tensors {
    let mut list = List::default();
    list.weight("shared", &[32_128, 4096]);
    for i in 0..24 {
        list.under(&format!("encoder.block.{i}.layer"), |list| {
            for name in ["q", "k", "v", "o"] {
                list.weight(&format!("0.SelfAttention.{name}"), &[4096, 4096]);
            }
            if i == 0 {
                list.weight("0.SelfAttention.relative_attention_bias", &[32, 64]);
            }
            list.weight("0.layer_norm", &[4096]);
            list.weight("1.DenseReluDense.wi_0", &[10_240, 4096]);
            list.weight("1.DenseReluDense.wi_1", &[10_240, 4096]);
            list.weight("1.DenseReluDense.wo", &[4096, 10_240]);
            list.weight("1.layer_norm", &[4096]);
        });
    }
    list.weight("encoder.final_layer_norm", &[4096]);
    list.tensors
}

/// `AutoencoderKL` with 16 latent channels.
pub(super) fn vae() -> Tensors {
    let mut list = List::default();
    list.under("encoder", |list| {
        list.biased("conv_in", &[128, 3, 3, 3]);
        let sides = [(128, 128), (128, 256), (256, 512), (512, 512)];
        for (i, (from, to)) in sides.into_iter().enumerate() {
            list.under(&format!("down_blocks.{i}"), |list| {
                resnets(list, 2, from, to);
                if i < 3 {
                    list.biased("downsamplers.0.conv", &[to, to, 3, 3]);
                }
            });
        }
        rest(list, 512, 32);
    });
    list.under("decoder", |list| {
        list.biased("conv_in", &[512, 16, 3, 3]);
        let sides = [(512, 512), (512, 512), (512, 256), (256, 128)];
        for (i, (from, to)) in sides.into_iter().enumerate() {
            list.under(&format!("up_blocks.{i}"), |list| {
                resnets(list, 3, from, to);
                if i < 3 {
                    list.biased("upsamplers.0.conv", &[to, to, 3, 3]);
                }
            });
        }
        rest(list, 128, 3);
    });
    list.tensors
}

fn resnets(list: &mut List, count: usize, from: u64, to: u64) {
    for i in 0..count {
        let from = if i == 0 { from } else { to };
        list.under(&format!("resnets.{i}"), |list| {
            list.biased("norm1", &[from]);
            list.biased("conv1", &[to, from, 3, 3]);
            list.biased("norm2", &[to]);
            list.biased("conv2", &[to, to, 3, 3]);
            if from != to {
                list.biased("conv_shortcut", &[to, from, 1, 1]);
            }
        });
    }
}

/// What encoder and decoder have in the middle and at their end.
fn rest(list: &mut List, width: u64, channels: u64) {
    list.under("mid_block", |list| {
        list.under("attentions.0", |list| {
            list.biased("group_norm", &[512]);
            for name in ["to_q", "to_k", "to_v", "to_out.0"] {
                list.biased(name, &[512, 512]);
            }
        });
        resnets(list, 2, 512, 512);
    });
    list.biased("conv_norm_out", &[width]);
    list.biased("conv_out", &[channels, width, 3, 3]);
}
