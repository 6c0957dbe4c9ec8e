//! The micro-kernel: a tile of sums held in registers over the whole depth.

use super::vector::{Portable, Vector};
use crate::kernels::convert;
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::DType;

/// Outputs whose weights lie side by side.
pub(super) const PANEL: usize = 8;
/// The most vectors of a tile.
const VECTORS: usize = 3;
/// The most lanes of a vector.
pub(super) const LANES: usize = 16;

/// A level that this machine has, for a dtype.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel(Level);

impl Kernel {
    /// The kernel of a level: pairs only where they multiply as such, plain code where the machine lacks the level.
    pub fn new(level: Level, dtype: DType) -> Self {
        match level {
            _ if !level.is_supported() => Self(Level::Portable),
            Level::Neon => Self(Level::Portable),
            Level::Avx512Bf16 if dtype != DType::Bf16 => Self(Level::Avx512),
            level => Self(level),
        }
    }

    /// The level.
    pub fn level(self) -> Level {
        self.0
    }

    /// Channels of one 4-byte element.
    pub fn channels(self) -> usize {
        if self.0 == Level::Avx512Bf16 { 2 } else { 1 }
    }

    /// Elements of a vector.
    pub fn lanes(self) -> usize {
        match self.0 {
            Level::Portable | Level::Neon => Portable::LANES,
            Level::Avx2 => 8,
            Level::Avx512 | Level::Avx512Bf16 => LANES,
        }
    }

    /// The most vectors of a tile.
    pub fn vectors(self) -> usize {
        if self.0 == Level::Portable { 2 } else { VECTORS }
    }
}

/// The sums of a tile.
pub(super) struct Sums {
    sums: [f32; PANEL * VECTORS * LANES],
    lanes: usize,
}

impl Sums {
    /// Sums that a kernel is to fill.
    pub fn new(kernel: Kernel) -> Self {
        Self { sums: [0.0; PANEL * VECTORS * LANES], lanes: kernel.lanes() }
    }

    /// Adds `bias` to the first sums of a vector and rounds them.
    #[inline(always)]
    pub fn store<T: Element>(&mut self, output: usize, vector: usize, bias: f32, to: &mut [T]) {
        let sums = &mut self.sums[(output * VECTORS + vector) * self.lanes..][..to.len()];
        sums.iter_mut().for_each(|sum| *sum += bias);
        convert::from_f32(sums, to);
    }
}

/// What a tile sums over.
pub(super) struct Steps<'a> {
    kernel: Kernel,
    planes: &'a [f32],
    plane: usize,
    taps: &'a [usize],
    weights: &'a [f32],
    /// The largest tap.
    reach: usize,
}

impl<'a> Steps<'a> {
    /// Channels `plane` elements apart, each tap's offset, and a panel of weights `[channel, tap, PANEL]`.
    pub fn new(
        kernel: Kernel,
        planes: &'a [f32],
        plane: usize,
        taps: &'a [usize],
        weights: &'a [f32],
    ) -> Self {
        let depth = planes.len().checked_div(plane).unwrap_or(0) * taps.len();
        assert!(weights.len() >= depth * PANEL, "the panel of weights is shorter than the depth");
        let reach = taps.iter().copied().max().unwrap_or(0);
        Self { kernel, planes, plane, taps, weights, reach }
    }

    /// Sums `vectors` vectors, of which number `i` starts at `from(i)` of a channel, for the panel's first `outputs`.
    pub fn sum(&self, vectors: usize, from: impl Fn(usize) -> usize, outputs: usize, sums: &mut Sums) {
        let lanes = self.kernel.lanes();
        let mut starts = [0; VECTORS];
        assert!((1..=self.kernel.vectors()).contains(&vectors), "a tile has one to three vectors");
        for (i, start) in starts[..vectors].iter_mut().enumerate() {
            *start = from(i);
            assert!(*start + self.reach + lanes <= self.plane, "a vector leaves its channel");
        }
        let to = sums.sums.as_mut_ptr();
        // SAFETY: `Kernel::new` has found that the machine has the level's instructions. Every vector of every tap lies in
        // its channel, and the panel has weights for every channel and tap, as was checked. `to` has room for PANEL rows
        // of VECTORS vectors of at most LANES elements.
        unsafe {
            match self.kernel.0 {
                #[cfg(target_arch = "x86_64")]
                Level::Avx512Bf16 => x86::avx512_bf16(self, starts, vectors, outputs, to),
                #[cfg(target_arch = "x86_64")]
                Level::Avx512 => x86::avx512(self, starts, vectors, outputs, to),
                #[cfg(target_arch = "x86_64")]
                Level::Avx2 => x86::avx2(self, starts, vectors, outputs, to),
                _ => {
                    for first in (0..outputs).step_by(4) {
                        match vectors {
                            1 => tile::<Portable, 4, 1>(self, starts, first, to),
                            _ => tile::<Portable, 4, 2>(self, starts, first, to),
                        }
                    }
                }
            }
        }
    }
}

/// Sums `M` outputs from number `first` on, of `N` vectors.
///
/// # Safety
/// The machine has the instructions of `V`; each of the first `N` starts, plus any tap, plus a vector, lies in a channel;
/// there are weights for every channel and tap; `to` has room for rows `first..first + M` of `VECTORS` vectors.
#[inline(always)]
#[allow(
    clippy::needless_range_loop,
    reason = "closures would keep the instructions of `V` from being inlined"
)]
unsafe fn tile<V: Vector, const M: usize, const N: usize>(
    steps: &Steps,
    starts: [usize; VECTORS],
    first: usize,
    to: *mut f32,
) {
    // SAFETY: the caller's; pointers past the last channel are made but not read.
    unsafe {
        let mut sums = [[V::zero(); N]; M];
        let mut weights = steps.weights.as_ptr().add(first);
        for plane in steps.planes.chunks_exact(steps.plane) {
            let plane = plane.as_ptr();
            for &tap in steps.taps {
                let mut x = [V::zero(); N];
                for n in 0..N {
                    x[n] = V::load(plane.add(starts[n] + tap));
                }
                for m in 0..M {
                    let weight = V::splat(weights.add(m));
                    for n in 0..N {
                        sums[m][n] = sums[m][n].add_product(x[n], weight);
                    }
                }
                weights = weights.wrapping_add(PANEL);
            }
        }
        for m in 0..M {
            for n in 0..N {
                sums[m][n].store(to.add(((first + m) * VECTORS + n) * V::LANES));
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::vector::{Avx2, Avx512, Avx512Bf16};
    use super::{Steps, VECTORS, tile};

    macro_rules! tiles {
        ($name:ident, $vector:ty, $rows:literal, $features:literal) => {
            /// Sums the tiles of a panel's outputs.
            ///
            /// # Safety
            /// As of [`tile`].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn $name(
                steps: &Steps,
                starts: [usize; VECTORS],
                vectors: usize,
                outputs: usize,
                to: *mut f32,
            ) {
                for first in (0..outputs).step_by($rows) {
                    // SAFETY: the caller's.
                    unsafe {
                        match (vectors, outputs - first) {
                            (1, 1..5) => tile::<$vector, 4, 1>(steps, starts, first, to),
                            (2, 1..5) => tile::<$vector, 4, 2>(steps, starts, first, to),
                            (_, 1..5) => tile::<$vector, 4, 3>(steps, starts, first, to),
                            (1, _) => tile::<$vector, $rows, 1>(steps, starts, first, to),
                            (2, _) => tile::<$vector, $rows, 2>(steps, starts, first, to),
                            (_, _) => tile::<$vector, $rows, 3>(steps, starts, first, to),
                        }
                    }
                }
            }
        };
    }

    tiles!(avx2, Avx2, 4, "avx2,fma");
    tiles!(avx512, Avx512, 8, "avx512f");
    tiles!(avx512_bf16, Avx512Bf16, 8, "avx512f,avx512bf16");
}
