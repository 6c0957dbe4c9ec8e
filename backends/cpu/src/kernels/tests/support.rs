//! Tensors for tests.

use crate::level::Level;
use crate::tensor::{Element, View};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tintype_program::DType;

/// Numbers in [-1, 1), always the same for one seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

/// A tensor with strides of its own.
pub struct Tensor<T> {
    data: Vec<T>,
    pub shape: Vec<usize>,
    strides: Vec<usize>,
}

/// How a tensor lies in memory.
#[derive(Clone, Copy, Debug)]
pub enum Lie {
    /// Row-major.
    Dense,
    /// Axes in reverse order, as of a transposed tensor.
    Reversed,
    /// Row-major with gaps at every axis, as of a strided slice.
    Gaps,
    /// Rows dense, gaps between them, as of one part of a fused projection.
    Rows,
}

pub const LIES: [Lie; 4] = [Lie::Dense, Lie::Reversed, Lie::Gaps, Lie::Rows];

impl<T: Element> Tensor<T> {
    pub fn random(seed: u64, shape: &[usize], lie: Lie) -> Self {
        let mut strides = vec![0; shape.len()];
        let mut next = 1;
        let mut place = |axis: usize| {
            if matches!(lie, Lie::Gaps) {
                next *= 2;
            }
            strides[axis] = next;
            next *= shape[axis];
            if matches!(lie, Lie::Rows) && axis + 1 == shape.len() {
                next += 5;
            }
        };
        match lie {
            Lie::Reversed => (0..shape.len()).for_each(&mut place),
            _ => (0..shape.len()).rev().for_each(&mut place),
        }
        let mut random = Random::new(seed);
        let data = (0..next.max(1)).map(|_| T::from_f32(random.next())).collect();
        Self { data, shape: shape.to_vec(), strides }
    }

    pub fn from(shape: &[usize], data: Vec<T>) -> Self {
        let strides = tintype_program::contiguous_strides(shape);
        Self { data, shape: shape.to_vec(), strides }
    }

    pub fn view(&self) -> View<'_, T> {
        View::new(&self.data, &self.shape, &self.strides).unwrap()
    }

    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    pub fn at(&self, index: &[usize]) -> f64 {
        let offset: usize = index.iter().zip(&self.strides).map(|(i, s)| i * s).sum();
        f64::from(self.data[offset].to_f32())
    }

    pub fn get(&self, index: &[usize]) -> T {
        self.data[index.iter().zip(&self.strides).map(|(i, s)| i * s).sum::<usize>()]
    }
}

/// How many of `cases` are run: under Miri, a thousand times as slow, the first few.
pub fn few(cases: usize, under_miri: usize) -> usize {
    if cfg!(miri) { under_miri.min(cases) } else { cases }
}

/// An extent, and a smaller one for Miri that leads to the same code: just over a tile where the other is over several.
pub fn extent(usual: usize, under_miri: usize) -> usize {
    if cfg!(miri) { under_miri } else { usual }
}

/// The levels that this machine has.
pub fn levels() -> impl Iterator<Item = Level> {
    Level::ALL.into_iter().filter(|level| level.is_supported())
}

/// The same, for a kernel one of whose instructions at AVX-512 is `unknown` to Miri: there those levels are left out.
pub fn levels_known(unknown: Option<&'static str>) -> impl Iterator<Item = Level> {
    levels().filter(move |level| {
        let Some(instruction) = unknown.filter(|_| cfg!(miri) && *level >= Level::Avx512) else {
            return true;
        };
        println!("left out at {level}: Miri does not know {instruction}");
        false
    })
}

/// The index of element `position` of a shape.
pub fn index(mut position: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, extent) in index.iter_mut().zip(shape).rev() {
        *i = position % extent;
        position /= extent;
    }
    index
}

/// Runs on a pool of so many threads, which is kept: to start threads takes Miri longer than most kernels do. There they are
/// two at most, since those without work take time as well.
pub fn on<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let threads = threads.min(extent(threads, 2));
    static POOLS: Mutex<BTreeMap<usize, Arc<ThreadPool>>> = Mutex::new(BTreeMap::new());
    let start = || Arc::new(ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    let pool = Arc::clone(POOLS.lock().unwrap().entry(threads).or_insert_with(start));
    pool.install(work)
}

/// Computes a result of `shape` and holds each element against `expected`: within a rounding of the dtype, and 1e-6 of
/// `scale`, the size of what was summed.
pub fn check<T: Element>(
    what: &str,
    shape: &[usize],
    scale: f64,
    compute: impl FnOnce(&mut [T]) + Send,
    expected: impl Fn(&[usize]) -> f64,
) -> Vec<T> {
    let mut out = vec![T::from_f32(77.0); shape.iter().product()];
    on(extent(2, 1), || compute(&mut out));
    let unit = match T::DTYPE {
        DType::Bf16 => 0.0041,
        DType::F16 => 0.00051,
        _ => 2e-7,
    };
    // Miri looks at every access of the kernel's; what it computes is held against the loop elsewhere.
    for (i, actual) in out.iter().enumerate().step_by(extent(1, 37)) {
        let at = index(i, shape);
        let (actual, expected) = (f64::from(actual.to_f32()), expected(&at));
        let close = (actual - expected).abs() <= unit * expected.abs() + 1e-6 * scale;
        assert!(
            close || (actual.is_nan() && expected.is_nan()),
            "{what} {:?} {at:?}: {actual} {expected}",
            T::DTYPE
        );
    }
    out
}

/// Calls a generic test for each floating-point dtype.
macro_rules! each_float {
    ($test:ident $(, $argument:expr)?) => {{
        $test::<f32>($($argument)?);
        $test::<half::bf16>($($argument)?);
        $test::<half::f16>($($argument)?);
    }};
}
pub(crate) use each_float;
