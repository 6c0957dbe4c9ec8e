//! The bandwidth of the host's memory: `a = b + s c` over vectors that no cache holds (McCalpin's STREAM, "triad").

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

/// Elements of each of the three vectors, all threads together: 128 MiB of f32.
const ELEMENTS: usize = 32 << 20;

/// Bytes a second that `threads` threads read and write together, the best of `repeats` passes. As in STREAM, what a
/// processor reads of a line only to overwrite it does not count.
pub fn bandwidth(threads: usize, repeats: usize) -> f64 {
    let threads = threads.max(1);
    let part = ELEMENTS.div_ceil(threads);
    let barrier = Barrier::new(threads + 1);
    let mut best = f64::INFINITY;
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let (mut a, b, c) = (vec![0.5f32; part], vec![1.0f32; part], vec![2.0f32; part]);
                let factor = black_box(3.0f32);
                for _ in 0..repeats.max(1) {
                    barrier.wait();
                    for ((a, b), c) in a.iter_mut().zip(&b).zip(&c) {
                        *a = b + factor * c;
                    }
                    black_box(&mut a);
                    barrier.wait();
                }
            });
        }
        for _ in 0..repeats.max(1) {
            barrier.wait();
            let started = Instant::now();
            barrier.wait();
            best = best.min(started.elapsed().as_secs_f64());
        }
    });
    (3 * part * threads * size_of::<f32>()) as f64 / best
}

#[cfg(test)]
mod tests {
    #[test]
    fn memory_has_a_bandwidth() {
        let measured = super::bandwidth(2, 2);
        assert!(measured.is_finite() && measured > 1e8, "{measured}");
    }
}
