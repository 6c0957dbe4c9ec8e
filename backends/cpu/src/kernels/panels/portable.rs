//! The kernel for any machine: plain Rust, which the compiler vectorises.

use super::kernel::{Block, Kernel, by_rows, depth};
use crate::tensor::Element;
use std::marker::PhantomData;

const ROWS: usize = 4;
const COLUMNS: usize = 8;
const DEPTH: usize = depth(256);

/// For panels that hold `R`: f32 or bf16.
#[derive(Clone, Copy)]
pub(super) struct Portable<R>(PhantomData<R>);

impl<R> Portable<R> {
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Element> Kernel for Portable<R> {
    type Left = f32;
    type Right = R;
    const ROWS: usize = ROWS;
    const COLUMNS: usize = COLUMNS;
    const GROUP: usize = 1;
    const DEPTH: usize = DEPTH;

    fn multiply(self, block: Block<f32, R>) {
        block.check::<Self>();
        by_rows!(block.rows, [1 2 3 4], N => rows::<R, N>(block));
    }
}

fn rows<R: Element, const N: usize>(block: Block<f32, R>) {
    let mut sums = [[0f32; COLUMNS]; N];
    let lines: [&[f32]; N] = std::array::from_fn(|row| &block.left[row * DEPTH..][..block.depth]);
    for (p, right) in block.right.chunks_exact(COLUMNS).take(block.depth).enumerate() {
        let right: [f32; COLUMNS] = std::array::from_fn(|column| widen(right[column]));
        for (sums, line) in sums.iter_mut().zip(&lines) {
            let left = line[p];
            sums.iter_mut().zip(&right).for_each(|(sum, right)| *sum += left * right);
        }
    }
    for (sums, to) in sums.iter().zip(block.sums.chunks_mut(block.stride)) {
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = if block.add { *to + sum } else { *sum };
        }
    }
}

/// As `to_f32`, without the care for signalling NaNs that would keep the loop from being vectorised.
#[inline(always)]
fn widen<R: Element>(value: R) -> f32 {
    match bytemuck::try_cast::<R, half::bf16>(value) {
        Ok(value) => f32::from_bits(u32::from(value.to_bits()) << 16),
        Err(_) => value.to_f32(),
    }
}
