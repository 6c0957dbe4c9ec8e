//! Rates, by hand: `cargo test --release -p tintype-cpu --lib rates -- --ignored --nocapture`.

use super::support::{Lie, Tensor, on};
use crate::kernels::attention::attention;
use crate::kernels::convolution::{Geometry, convolution, convolution_packed, pack, packed_bytes};
use crate::kernels::linear::{Weight, linear};
use crate::kernels::panels;
use crate::kernels::panels::tests::Packed;
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::{Activation, PadMode};

/// Seconds from some moment on: of this thread's work where the system tells, which other programs disturb less.
fn seconds(threads: usize) -> f64 {
    let spent = || {
        std::fs::read_to_string("/proc/thread-self/schedstat").ok()?.split(' ').next()?.parse::<f64>().ok()
    };
    match spent() {
        Some(nanoseconds) if threads == 1 => nanoseconds / 1e9,
        _ => std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs_f64(),
    }
}

/// The best of several runs, in thousand million operations a second.
fn rate(what: &str, threads: usize, operations: f64, mut work: impl FnMut() + Send) {
    let best = on(threads, || {
        work();
        let run = |_| {
            let start = seconds(threads);
            work();
            seconds(threads) - start
        };
        (0..7).map(run).fold(f64::INFINITY, f64::min)
    });
    println!("{what}, {threads} threads: {:.1} GFLOP/s, {:.2} ms", operations / best / 1e9, best * 1e3);
}

fn all<T: Element>() {
    let name = T::DTYPE;
    for threads in [1, 2] {
        for [m, n, k] in [[512, 1024, 1024], [1152, 4096, 1024], [1, 6144, 1024]] {
            let (x, weight) =
                (Tensor::<T>::random(1, &[m, k], Lie::Dense), Tensor::<T>::random(2, &[n, k], Lie::Dense));
            let mut out = vec![T::default(); m * n];
            rate(&format!("linear {name} {m} x {n} x {k}"), threads, 2.0 * (m * n * k) as f64, || {
                linear(Activation::Keep, x.view(), Weight::Plain(weight.view()), None, &mut out);
            });
        }
        let shape = [1, 8, 1152, 128];
        let x = Tensor::<T>::random(1, &shape, Lie::Dense);
        let mut out = vec![T::default(); shape.iter().product()];
        rate(&format!("attention {name} {shape:?}"), threads, 4.0 * 8.0 * 1152.0 * 1152.0 * 128.0, || {
            attention(Level::best(), 0.1, x.view(), x.view(), x.view(), None, &mut out);
        });
        let x = Tensor::<T>::random(1, &[1, 128, 128, 128], Lie::Dense);
        let weight = Tensor::<T>::random(1, &[128, 128, 3, 3], Lie::Dense);
        let mut out = vec![T::default(); 128 * 128 * 128];
        let geometry = Geometry {
            stride: &[1, 1],
            padding: &[[1, 1], [1, 1]],
            dilation: &[1, 1],
            groups: 1,
            mode: PadMode::Zero,
        };
        rate(
            &format!("convolution {name} 128 of 3 x 3 at 128 x 128"),
            threads,
            2.0 * 128f64.powi(4) * 9.0,
            || {
                convolution(Level::best(), &geometry, x.view(), weight.view(), None, &mut out);
            },
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn rates() {
    all::<f32>();
    all::<half::bf16>();
    all::<half::f16>();
}

/// Convolutions of an autoencoder that decodes 256 x 256, with weights packed anew and packed before.
fn decoding<T: Element>(level: Level) {
    for [channels, size] in [[512, 32], [256, 128], [128, 256]] {
        let x = Tensor::<T>::random(1, &[1, channels, size, size], Lie::Dense);
        let weight = Tensor::<T>::random(2, &[channels, channels, 3, 3], Lie::Dense);
        let mut out = vec![T::default(); channels * size * size];
        let geometry = Geometry {
            stride: &[1, 1],
            padding: &[[1, 1], [1, 1]],
            dilation: &[1, 1],
            groups: 1,
            mode: PadMode::Zero,
        };
        let mut packed = vec![0f32; packed_bytes(level, T::DTYPE, &weight.shape) / 4];
        let bytes = bytemuck::cast_slice_mut(&mut packed);
        pack(level, weight.view(), bytes).unwrap();
        let what = format!("{level} {} {channels} of 3 x 3 at {size} x {size}", T::DTYPE);
        let operations = (18 * channels * channels * size * size) as f64;
        rate(&what, 1, operations, || convolution(level, &geometry, x.view(), weight.view(), None, &mut out));
        let packed = (weight.shape.as_slice(), &*bytes);
        rate(&format!("{what}, packed before"), 1, operations, || {
            convolution_packed(level, &geometry, x.view(), packed, None, &mut out).unwrap();
        });
    }
}

#[test]
#[ignore = "a measurement"]
fn convolutions() {
    decoding::<f32>(Level::Avx512.min(Level::best()));
    decoding::<half::bf16>(Level::best());
}

/// Layers of a model of 128 tokens and of one of 1152, with weights packed before: more of them than caches hold, each read
/// once a run, as a model does.
fn packed_layers<T: Element>(level: Level, threads: usize) {
    for [m, n, k] in
        [[128, 1024, 1024], [128, 2816, 1024], [128, 1024, 2816], [1152, 4096, 1024], [1, 6144, 1024]]
    {
        let count = (48 << 20) / (n * k);
        let x = Tensor::<T>::random(1, &[m, k], Lie::Dense);
        let weight = Tensor::<T>::random(2, &[n, k], Lie::Dense);
        let weights: Vec<_> = (0..count).map(|_| Packed::new(level, &weight.view())).collect();
        let mut out = vec![T::default(); m * n];
        let what = format!("{level} {} {m} x {n} x {k}", T::DTYPE);
        rate(&what, threads, (2 * m * n * k * count) as f64, || {
            for weight in &weights {
                panels::linear(level, x.view(), weight.panels(), None, &mut out);
            }
        });
    }
}

#[test]
#[ignore = "a measurement"]
fn layers() {
    for threads in [1, 2] {
        packed_layers::<half::bf16>(Level::best(), threads);
    }
}
