//! Plans that cuDNN makes for the shapes of Flux, its encoders and its decoder, on machines without a GPU too.

mod setting;

use setting::{A100, H100, Paper, RTX5090, cudnn};
use std::sync::Arc;
use tintype_gpu::{Attention, Convolution, Mask, Prepared};
use tintype_program::DType;

/// Heads beside each other in each row, as projections leave them.
fn attention(heads: usize, rows: usize, depth: usize) -> Attention {
    let strides = [rows * heads * depth, depth, heads * depth];
    Attention {
        batch: 1,
        heads,
        queries: rows,
        keys: rows,
        depth,
        value_depth: depth,
        dtype: DType::Bf16,
        q: strides,
        k: strides,
        v: strides,
        o: strides,
        scale: (depth as f32).powf(-0.5).to_bits(),
        mask: None,
    }
}

fn masked(op: Attention, dtype: DType, heads: usize) -> Attention {
    let (s, t) = (op.queries, op.keys);
    let strides = [0, if heads == 1 { 0 } else { s * t }, t, 1];
    Attention { mask: Some(Mask { dtype, strides }), ..op }
}

fn convolution(channels: usize, outputs: usize, size: usize, kernel: usize) -> Convolution {
    let padding = [[kernel / 2; 2]; 2];
    Convolution {
        batch: 1,
        input: [size; 2],
        channels,
        outputs,
        kernel: [kernel; 2],
        stride: [1; 2],
        padding,
        dilation: [1; 2],
        groups: 1,
        dtype: DType::Bf16,
        bias: true,
        tf32: false,
    }
}

/// The encoder's steps down: padded below and to the right only.
fn step_down() -> Convolution {
    Convolution { stride: [2; 2], padding: [[0, 1]; 2], ..convolution(128, 128, 256, 3) }
}

fn report(paper: Paper, what: &str, plan: &Arc<dyn Prepared>) {
    println!("{}: {what}: {}, {} bytes", paper.name, plan.describe(), plan.workspace());
    assert!(plan.describe().starts_with("cuDNN 9."), "{}", plan.describe());
    assert!(plan.workspace() <= 512 << 20);
}

#[test]
fn attention_has_plans() {
    for paper in [H100, A100, RTX5090] {
        let Some(dnn) = cudnn("attention_has_plans", paper, None) else { return };
        let flux = attention(24, 4608, 128);
        let clip = attention(12, 77, 64);
        let t5 = attention(64, 512, 64);
        let packed = [4608 * 3 * 3072, 128, 3 * 3072];
        let apart = [24 * 4608 * 128, 4608 * 128, 128];
        let ops = [
            ("Flux", flux.clone()),
            ("Flux, f16", Attention { dtype: DType::F16, ..flux.clone() }),
            ("Flux, q k v packed", Attention { q: packed, k: packed, v: packed, ..flux.clone() }),
            ("Flux, heads apart", Attention { q: apart, k: apart, v: apart, o: apart, ..flux }),
            ("an odd number of rows", attention(24, 4173, 128)),
            ("two pictures", Attention { batch: 2, ..attention(24, 1024, 128) }),
            ("CLIP", masked(clip.clone(), DType::Bf16, 1)),
            ("CLIP, mask in f32", masked(clip, DType::F32, 1)),
            ("T5", masked(t5.clone(), DType::Bf16, 64)),
            ("T5, bias in f32", masked(t5, DType::F32, 64)),
            ("the decoder's middle", attention(1, 16384, 512)),
        ];
        for (what, op) in ops {
            match dnn.prepare_attention(&op) {
                Ok(plan) => report(paper, what, &plan),
                Err(reason) => panic!("{}: {what}: {reason}", paper.name),
            }
        }
    }
}

#[test]
fn convolutions_have_plans() {
    for paper in [H100, A100, RTX5090] {
        let Some(dnn) = cudnn("convolutions_have_plans", paper, None) else { return };
        let ops = [
            ("512 to 512 at 128", convolution(512, 512, 128, 3)),
            ("128 to 128 at 1024", convolution(128, 128, 1024, 3)),
            ("16 to 512", convolution(16, 512, 128, 3)),
            ("128 to 3", convolution(128, 3, 1024, 3)),
            ("1 by 1", convolution(512, 256, 256, 1)),
            ("a step down", step_down()),
            ("no bias", Convolution { bias: false, ..convolution(512, 512, 128, 3) }),
            ("f16", Convolution { dtype: DType::F16, ..convolution(512, 512, 128, 3) }),
            ("tf32", Convolution { dtype: DType::F32, tf32: true, ..convolution(512, 512, 128, 3) }),
            ("f32", Convolution { dtype: DType::F32, ..convolution(512, 512, 128, 3) }),
            ("f32, no bias", Convolution { dtype: DType::F32, bias: false, ..convolution(512, 512, 128, 3) }),
            ("groups", Convolution { groups: 4, ..convolution(128, 128, 64, 3) }),
            (
                "dilation",
                Convolution { dilation: [2; 2], padding: [[2; 2]; 2], ..convolution(128, 128, 64, 3) },
            ),
        ];
        for (what, op) in ops {
            match dnn.prepare_convolution(&op) {
                Ok(plan) => report(paper, what, &plan),
                Err(reason) => println!("{}: {what}: REFUSED {reason}", paper.name),
            }
        }
    }
}
