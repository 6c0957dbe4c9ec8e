//! The processor's peak: fused multiply-adds with nothing else in the way. What every rate is to be held against.

use crate::bench::blank;
use crate::result::{Seconds, Work};
use crate::{BenchResult, Error, Result, Summary};
use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use tintype_accel::Accelerator;
use tintype_program::DType;

/// Loops in one sample: a sample takes about this long.
const SAMPLE: Duration = Duration::from_millis(60);

/// A loop of so many rounds, and the operations of a round.
#[derive(Clone, Copy)]
struct Loop {
    instructions: &'static str,
    run: fn(u64),
    /// FLOPs a round.
    flops: u64,
}

/// Measures the host's peak on `threads` threads, in f32, or for bf16 products summed in f32 where the processor has
/// such instructions. It is a fact of the processor; `accelerator` only lends its name to the result.
///
/// # Errors
///
/// [`Error::Request`] for a dtype that has no such loop here.
pub fn peak(
    accelerator: &dyn Accelerator,
    dtype: DType,
    threads: usize,
    repeats: usize,
) -> Result<BenchResult> {
    let chosen = fastest(dtype).ok_or_else(|| Error::Request {
        option: "dtype",
        value: dtype.name().into(),
        remedy: "this processor has no instruction that this loop knows; f32 is always there".into(),
    })?;
    let threads = threads.max(1);
    let rounds = calibrate(chosen);
    let steady: Vec<f64> = (0..repeats.max(1)).map(|_| sample(chosen, threads, rounds)).collect();
    let summary = Summary::of(&steady);
    let flops = chosen.flops.saturating_mul(rounds).saturating_mul(threads as u64);
    let mut result = blank(accelerator, "fma", Some(threads));
    result.model = chosen.instructions.into();
    result.dtype = dtype.name().into();
    result.launch = "eager".into();
    // The first sample is the cold one here: there is nothing to compile.
    let first = steady.first().copied().unwrap_or_default();
    result.seconds = Seconds { cold: first, warm: first, steady, summary, ..Seconds::default() };
    let flops_per_second = summary.map(|summary| flops as f64 / summary.median);
    result.work = Work { flops, bytes: 0, flops_per_second, bytes_per_second: None };
    Ok(result)
}

/// Rounds that take about [`SAMPLE`] on one thread.
fn calibrate(chosen: Loop) -> u64 {
    let mut rounds = 10_000;
    loop {
        let started = Instant::now();
        (chosen.run)(rounds);
        let elapsed = started.elapsed();
        if elapsed * 4 > SAMPLE || rounds > 1 << 40 {
            let scale = SAMPLE.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return (rounds as f64 * scale).max(1.0) as u64;
        }
        rounds *= 4;
    }
}

/// Seconds from when all threads stand ready to when the last is done.
fn sample(chosen: Loop, threads: usize, rounds: u64) -> f64 {
    let barrier = Barrier::new(threads + 1);
    thread::scope(|scope| {
        let work = || {
            barrier.wait();
            (chosen.run)(rounds);
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        barrier.wait();
        let started = Instant::now();
        for worker in workers {
            // A loop of arithmetic does not panic.
            let _ = worker.join();
        }
        started.elapsed().as_secs_f64()
    })
}

/// Independent sums: more than latency times issue width of any processor that is known here.
const SUMS: usize = 12;

fn fastest(dtype: DType) -> Option<Loop> {
    #[cfg(target_arch = "x86_64")]
    if let Some(found) = x86::fastest(dtype) {
        return Some(found);
    }
    let flops = (2 * SUMS * PORTABLE_LANES) as u64;
    (dtype == DType::F32).then_some(Loop { instructions: "portable", run: portable, flops })
}

const PORTABLE_LANES: usize = 4;

/// What the compiler makes of a plain loop: one fused instruction where its target has one, else two.
fn portable(rounds: u64) {
    let (factor, term) = (black_box(0.999_9f32), black_box(1e-4f32));
    let mut sums = [[1.0f32; PORTABLE_LANES]; SUMS];
    for _ in 0..rounds {
        for sum in sums.iter_mut().flatten() {
            *sum = if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                sum.mul_add(factor, term)
            } else {
                *sum * factor + term
            };
        }
    }
    black_box(sums);
}

#[cfg(target_arch = "x86_64")]
#[allow(
    unsafe_code,
    reason = "functions of wider instructions are called once the processor is known to have them"
)]
mod x86 {
    use super::{DType, Loop, SUMS, black_box};
    use std::arch::x86_64::{
        _mm256_fmadd_ps, _mm256_set1_ps, _mm512_castps_si512, _mm512_dpbf16_ps, _mm512_fmadd_ps,
        _mm512_set1_ps,
    };

    pub(super) fn fastest(dtype: DType) -> Option<Loop> {
        let of =
            |instructions, run, lanes: usize| Loop { instructions, run, flops: (2 * SUMS * lanes) as u64 };
        let avx512 = is_x86_feature_detected!("avx512f");
        match dtype {
            DType::Bf16 if avx512 && is_x86_feature_detected!("avx512bf16") => {
                // SAFETY: the processor has AVX-512 F and BF16, as asked just above.
                Some(of("avx512bf16", |rounds| unsafe { dot_bf16(rounds) }, 32))
            }
            DType::F32 if avx512 => {
                // SAFETY: the processor has AVX-512 F, as asked just above.
                Some(of("avx512f", |rounds| unsafe { fma_512(rounds) }, 16))
            }
            DType::F32 if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") => {
                // SAFETY: the processor has AVX2 and FMA, as asked just above.
                Some(of("fma", |rounds| unsafe { fma_256(rounds) }, 8))
            }
            _ => None,
        }
    }

    #[target_feature(enable = "avx512f")]
    fn fma_512(rounds: u64) {
        let (factor, term) = (_mm512_set1_ps(black_box(0.999_9)), _mm512_set1_ps(black_box(1e-4)));
        let mut sums = [_mm512_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(*sum, factor, term);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,fma")]
    fn fma_256(rounds: u64) {
        let (factor, term) = (_mm256_set1_ps(black_box(0.999_9)), _mm256_set1_ps(black_box(1e-4)));
        let mut sums = [_mm256_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(*sum, factor, term);
            }
        }
        black_box(sums);
    }

    /// 32 products a vector, added in pairs into 16 sums of f32: 64 operations.
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn dot_bf16(rounds: u64) {
        // Bits of small bf16 pairs: the upper half of an f32 is a bf16, the lower half another, tiny one.
        let bits = |value: f32| {
            let vector = _mm512_castps_si512(_mm512_set1_ps(value));
            // SAFETY: both are 512 bits without invalid patterns.
            unsafe { std::mem::transmute::<std::arch::x86_64::__m512i, std::arch::x86_64::__m512bh>(vector) }
        };
        let (a, b) = (bits(black_box(0.01)), bits(black_box(-0.01)));
        let mut sums = [_mm512_set1_ps(1.0); SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbf16_ps(*sum, a, b);
            }
        }
        black_box(sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loop_runs_and_counts() {
        for dtype in [DType::F32, DType::Bf16] {
            if let Some(chosen) = fastest(dtype) {
                assert!(sample(chosen, 2, 1000) > 0.0 && chosen.flops >= 96);
            }
        }
        portable(10);
    }
}
