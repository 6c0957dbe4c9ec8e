//! Plans that cuDNN makes for the shapes of Flux, its encoders and its decoder, on machines without a GPU too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod setting;

use setting::{A100, H100, Paper, RTX5090, cudnn};
use std::path::Path;
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
                Ok(plan) => {
                    report(paper, what, &plan);
                    // Hopper has kernels of its own for heads of up to 256.
                    let own = paper.version == 900 && op.depth <= 256;
                    assert_eq!(
                        plan.describe().contains("sm90_flash_fprop_wgmma"),
                        own,
                        "{}",
                        plan.describe()
                    );
                }
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
            ("3 to 128", convolution(3, 128, 1024, 3)),
            ("3 to 128, f32", Convolution { dtype: DType::F32, ..convolution(3, 128, 1024, 3) }),
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
                Err(reason) => panic!("{}: {what}: {reason}", paper.name),
            }
        }
    }
}

#[test]
fn a_second_process_builds_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = |paper| cudnn("a_second_process_builds_nothing", paper, Some(folder.path()));
    let Some(first) = open(H100) else { return };
    let (flux, down) = (attention(24, 4608, 128), step_down());
    let plan = first.prepare_attention(&flux).unwrap();
    assert!(Arc::ptr_eq(&plan, &first.prepare_attention(&flux).unwrap()));
    first.prepare_convolution(&down).unwrap();
    assert_eq!(first.built(), 2);

    let second = open(H100).unwrap();
    let again = second.prepare_attention(&flux).unwrap();
    second.prepare_convolution(&down).unwrap();
    assert_eq!(second.built(), 0);
    assert_eq!((again.describe(), again.workspace()), (plan.describe(), plan.workspace()));

    // Another device's plans are not this one's.
    let other = open(A100).unwrap();
    other.prepare_convolution(&down).unwrap();
    assert_eq!(other.built(), 1);

    for entry in entries(folder.path()) {
        let whole = std::fs::read(&entry).unwrap();
        std::fs::write(&entry, &whole[..whole.len() / 2]).unwrap();
    }
    let third = open(H100).unwrap();
    third.prepare_attention(&flux).unwrap();
    assert_eq!(third.built(), 1);
    assert_eq!(entries(folder.path()).len(), 3);
}

fn entries(folder: &Path) -> Vec<std::path::PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn what_it_does_not_take_is_refused() {
    let Some(dnn) = cudnn("what_it_does_not_take_is_refused", H100, None) else { return };
    let plain = attention(24, 256, 128);
    let [a, b, c] = plain.q;
    let refusals = [
        (Attention { dtype: DType::F32, ..plain.clone() }, "not for f32"),
        (attention(24, 0, 128), "empty"),
        (attention(24, 256, 60), "steps of 8"),
        (attention(1, 256, 1024), "up to 512"),
        (Attention { k: [a, b, c + 4], ..plain.clone() }, "`k` has a stride of 3076"),
        (Attention { v: [a, 0, c], ..plain.clone() }, "`v` repeats"),
        (masked(plain.clone(), DType::I32, 1), "not of i32"),
        (
            Attention { mask: Some(Mask { dtype: DType::F32, strides: [0, 0, 1, 256] }), ..plain.clone() },
            "innermost stride",
        ),
    ];
    for (op, reason) in refusals {
        let refusal = dnn.prepare_attention(&op).err().unwrap();
        assert!(refusal.contains(reason), "{refusal}");
    }
    let plain = convolution(64, 64, 32, 3);
    let refusals = [
        (Convolution { dtype: DType::U8, ..plain.clone() }, "u8"),
        (Convolution { groups: 3, ..plain.clone() }, "3 groups"),
        (Convolution { stride: [0; 2], ..plain.clone() }, "stride or dilation of 0"),
        (Convolution { kernel: [64; 2], padding: [[0; 2]; 2], ..plain.clone() }, "empty"),
    ];
    for (op, reason) in refusals {
        let refusal = dnn.prepare_convolution(&op).err().unwrap();
        assert!(refusal.contains(reason), "{refusal}");
    }
    assert_eq!(dnn.built(), 0);
}

#[test]
fn without_a_device_nothing_is_launched() {
    let Some(dnn) = cudnn("without_a_device_nothing_is_launched", H100, None) else { return };
    let plan = dnn.prepare_convolution(&step_down()).unwrap();
    let error = |addresses: &[u64]| plan.enqueue(addresses, 0).unwrap_err().to_string();
    assert!(error(&[256, 512, 768]).contains("takes 4 addresses and was given 3"));
    assert!(error(&[256, 512, 770, 1024]).contains("multiples of 16 bytes and was given 0x302"));
    assert!(error(&[256, 512, 768, 1024]).contains("without a device"));
}
