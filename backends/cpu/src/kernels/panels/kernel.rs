//! What the kernels of all levels have in common, and which one is for what.

use super::portable::Portable;
use crate::level::Level;
use crate::tensor::Element;
use tintype_program::DType;

/// Multiplies a few rows with one panel.
pub(super) trait Kernel: Copy + Send + Sync {
    /// What rows are converted to.
    type Left: Element;
    /// What panels hold.
    type Right: Element;
    /// The most rows at once: as many as there are registers for.
    const ROWS: usize;
    /// The width of a panel.
    const COLUMNS: usize;
    /// How many depths of a column stand together.
    const GROUP: usize;
    /// The depths that are summed at once: with [`COLUMNS`](Self::COLUMNS), what stays in the first cache. A multiple of
    /// the group.
    const DEPTH: usize;

    /// Sums the products of a block over its depth.
    fn multiply(self, block: Block<Self::Left, Self::Right>);
}

/// The depths that a kernel sums at once: under Miri so few that it comes to several blocks.
pub(super) const fn depth(usual: usize) -> usize {
    if cfg!(miri) { 8 } else { usual }
}

/// Rows, part of a panel, and where their products go.
pub(super) struct Block<'a, L, R> {
    /// Rows, each of [`Kernel::DEPTH`] elements of which the first `depth` count.
    pub left: &'a [L],
    /// How many rows.
    pub rows: usize,
    /// The panel's weights for these depths.
    pub right: &'a [R],
    /// How many depths, in whole groups.
    pub depth: usize,
    /// Rows of a panel's width, `stride` apart.
    pub sums: &'a mut [f32],
    /// The distance between rows of `sums`.
    pub stride: usize,
    /// Whether the products are added to what `sums` holds, rather than replacing it.
    pub add: bool,
    /// Weights that are wanted soon, which a kernel may have fetched from memory on the way. It reads none of them.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "kernels of x86-64 do"))]
    pub ahead: &'a [R],
}

impl<L, R> Block<'_, L, R> {
    /// Checks that everything a kernel touches lies in the slices.
    pub fn check<K: Kernel<Left = L, Right = R>>(&self) {
        assert!((1..=K::ROWS).contains(&self.rows), "more rows than the kernel takes");
        assert!(self.depth <= K::DEPTH && self.depth.is_multiple_of(K::GROUP), "no depth of the kernel's");
        assert!((self.rows - 1) * K::DEPTH + self.depth <= self.left.len(), "rows are missing");
        assert!(self.depth * K::COLUMNS <= self.right.len(), "the panel is shorter than the depth");
        assert!((self.rows - 1) * self.stride + K::COLUMNS <= self.sums.len(), "sums do not fit");
    }

    /// How many bytes of what is ahead are fetched in each of `steps` steps.
    #[cfg(target_arch = "x86_64")]
    pub fn ahead_each(&self, steps: usize) -> usize {
        size_of_val(self.ahead).div_ceil(steps.max(1))
    }
}

/// A call for each number of rows, which it knows as a constant.
macro_rules! by_rows {
    ($rows:expr, [$($count:literal)*], $constant:ident => $call:expr) => {
        match $rows {
            $($count => {
                const $constant: usize = $count;
                $call
            })*
            _ => {}
        }
    };
}
pub(super) use by_rows;

/// Something to do with a kernel.
pub(super) trait Task {
    /// What comes of it.
    type Output;

    /// Does it.
    fn run<K: Kernel>(self, kernel: K) -> Self::Output;
}

/// Does something with the kernel of a level and dtype. The machine has the level.
pub(super) fn choose<W: Task>(level: Level, dtype: DType, task: W) -> W::Output {
    assert!(level.is_supported(), "this machine does not have the level {level}");
    match (level, dtype) {
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512Bf16, DType::Bf16) => task.run(super::avx512_bf16::Avx512Bf16),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512, DType::Bf16) => task.run(super::avx512::Avx512::<half::bf16>::new()),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512 | Level::Avx512Bf16, DType::F16) => {
            task.run(super::avx512::Avx512::<half::f16>::new())
        }
        #[cfg(target_arch = "x86_64")]
        (Level::Avx512 | Level::Avx512Bf16, _) => task.run(super::avx512::Avx512::<f32>::new()),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, DType::Bf16) => task.run(super::avx2::Avx2::<half::bf16>::new()),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, DType::F16) => task.run(super::avx2::Avx2::<half::f16>::new()),
        #[cfg(target_arch = "x86_64")]
        (Level::Avx2, _) => task.run(super::avx2::Avx2::<f32>::new()),
        #[cfg(target_arch = "aarch64")]
        (Level::Neon, DType::Bf16) => task.run(super::neon::Neon::<half::bf16>::new()),
        #[cfg(target_arch = "aarch64")]
        (Level::Neon, _) => task.run(super::neon::Neon::<f32>::new()),
        (_, DType::Bf16) => task.run(Portable::<half::bf16>::new()),
        _ => task.run(Portable::<f32>::new()),
    }
}
