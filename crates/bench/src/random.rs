//! Numbers for weights and inputs: random, bell-shaped, the same for the same seed on every machine.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tintype_accel::{HostTensor, ParamSlot, TensorSource, from_f32};
use tintype_program::{Source, TensorType};

/// SplitMix64 (Steele, Lea and Flood 2014): fast, and good enough for operands of a benchmark.
pub(crate) struct Draws(u64);

impl Draws {
    /// One stream a name, so that the order of tensors does not matter.
    pub(crate) fn of(seed: u64, name: &str) -> Self {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(hash ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The same stream, so many numbers on.
    fn after(&self, count: usize) -> Self {
        Self(self.0.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(count as u64)))
    }

    /// A number of mean 0 and variance 1: the sum of four uniform ones, which is nearly normal, within 3.5.
    pub(crate) fn normal(&mut self) -> f32 {
        let z = self.next();
        let sum: u32 = [z, z >> 16, z >> 32, z >> 48].iter().map(|part| (part & 0xffff) as u32).sum();
        // Four numbers of 0 to 65535: mean 131070, variance 4 (65536^2 - 1) / 12.
        (f64::from(sum) - 131_070.0) as f32 * (1.0 / 37_837.227)
    }

    /// An integer from `low` up to and without `high`.
    pub(crate) fn integer(&mut self, low: i32, high: i32) -> i32 {
        let span = u64::from(high.saturating_sub(low).max(1).unsigned_abs());
        low.saturating_add((self.next() % span) as i32)
    }

    /// As many as asked for, of this mean and deviation.
    pub(crate) fn normals(&mut self, count: usize, mean: f32, deviation: f32) -> Vec<f32> {
        (0..count).map(|_| mean + deviation * self.normal()).collect()
    }
}

/// Weights of any model, drawn when they are read, none kept.
///
/// Matrices and filters have deviation `1 / sqrt(fan in)`, so that activations keep their size through any depth; weights
/// of norms lie around 1, biases around 0.
pub(crate) struct RandomWeights {
    seed: u64,
    types: BTreeMap<String, TensorType>,
    /// Nanoseconds that drawing took.
    spent: AtomicU64,
}

impl RandomWeights {
    /// For the parameters of a module's Programs. Sources other than a load, quantized or not, are made of loads whose shapes they do
    /// not tell, so they are refused.
    pub(crate) fn of<'p>(params: impl IntoIterator<Item = &'p ParamSlot>, seed: u64) -> Result<Self, String> {
        let mut types = BTreeMap::new();
        for slot in params {
            let source = match &slot.source {
                Source::Quantize { of, .. } => of,
                other => other,
            };
            match source {
                Source::Load { name } => types.insert(name.clone(), slot.ty.clone()),
                other => return Err(format!("`{}` comes from {other:?}", slot.name)),
            };
        }
        Ok(Self { seed, types, spent: AtomicU64::default() })
    }

    /// Every tensor's name and type, sorted by name.
    pub(crate) fn types(&self) -> &BTreeMap<String, TensorType> {
        &self.types
    }

    /// The time that drawing took: no part of loading.
    pub(crate) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }
}

impl TensorSource for RandomWeights {
    fn origin(&self) -> String {
        format!("random weights of seed {}", self.seed)
    }

    fn names(&self) -> Vec<String> {
        self.types.keys().cloned().collect()
    }

    fn get(&self, name: &str) -> Result<Option<HostTensor>, String> {
        let Some(ty) = self.types.get(name) else { return Ok(None) };
        let started = Instant::now();
        let mut bytes = vec![0; ty.bytes()];
        draw(self.seed, name, ty, &mut bytes);
        let spent = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.spent.fetch_add(spent, Ordering::Relaxed);
        Ok(Some(HostTensor { dtype: ty.dtype, shape: ty.shape.clone(), bytes: bytes.into() }))
    }
}

/// Draws a weight into memory of its size.
pub(crate) fn draw(seed: u64, name: &str, ty: &TensorType, into: &mut [u8]) {
    let fan_in: usize = ty.shape.iter().skip(1).product();
    let (mean, deviation) = match ty.shape.len() {
        0 | 1 if name.ends_with("bias") => (0.0, 0.02),
        0 | 1 => (1.0, 0.1),
        _ => (0.0, 1.0 / (fan_in.max(1) as f32).sqrt()),
    };
    fill(&Draws::of(seed, name), ty, mean, deviation, into);
}

/// A tensor's worth of draws, by as many threads as the machine has: billions are wanted.
fn fill(draws: &Draws, ty: &TensorType, mean: f32, deviation: f32, bytes: &mut [u8]) {
    /// So few that a thread of their own would not pay.
    const FEW: usize = 1 << 16;
    let elements = ty.elements();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let share = elements.div_ceil(threads).max(FEW);
    thread::scope(|scope| {
        for (index, part) in bytes.chunks_mut(share * ty.dtype.size()).enumerate() {
            let mut draws = draws.after(index * share);
            scope.spawn(move || {
                // A cache's worth at a time.
                for piece in part.chunks_mut(FEW * ty.dtype.size()) {
                    let values = draws.normals(piece.len() / ty.dtype.size(), mean, deviation);
                    piece.copy_from_slice(&from_f32(ty.dtype, &values));
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_mean_0_and_variance_1_and_no_two_names_share_them() {
        let draws = Draws::of(0, "a").normals(100_000, 0.0, 1.0);
        let mean = draws.iter().map(|&v| f64::from(v)).sum::<f64>() / 1e5;
        let variance = draws.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        assert_ne!(Draws::of(0, "b").normals(4, 0.0, 1.0), draws[..4]);
        assert_eq!(Draws::of(0, "a").normals(4, 0.0, 1.0), draws[..4]);
        assert_eq!(Draws::of(0, "a").after(99_998).normals(2, 0.0, 1.0), draws[99_998..]);
    }

    #[test]
    fn threads_draw_what_one_would() {
        let ty = TensorType::new(tintype_program::DType::F32, [300_001]);
        let alone = Draws::of(1, "w").normals(ty.elements(), 0.5, 2.0);
        let mut bytes = vec![0; ty.bytes()];
        fill(&Draws::of(1, "w"), &ty, 0.5, 2.0, &mut bytes);
        assert_eq!(bytes, from_f32(ty.dtype, &alone));
    }
}
