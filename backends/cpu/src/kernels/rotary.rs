//! Rotary position embedding.

use super::vector::{Work, vectorised};
use super::walk::Reader;
use super::{convert, scratch};
use crate::level::Level;
use crate::tensor::{Element, View};
use rayon::prelude::*;
use tintype_program::Pairing;

/// Elements that one task takes at least.
const TASK: usize = 8192;

/// `x: [b, h, s, d]` with pairs of elements turned by the angles of `cos` and `sin`, each `[s, d]`.
pub(crate) fn rotary<T: Element>(
    level: Level,
    pairing: Pairing,
    x: View<T>,
    cos: View<f32>,
    sin: View<f32>,
    out: &mut [T],
) {
    let [tokens, width] = [x.shape()[2], x.shape()[3]];
    if out.is_empty() {
        return;
    }
    let (x, cos, sin) = (&Reader::new(&x), &Reader::new(&cos), &Reader::new(&sin));
    let rows = (TASK / width).max(1);
    out.par_chunks_mut(rows * width).enumerate().for_each(|(task, out)| {
        scratch::with(4 * width, |buffer| {
            vectorised(level, Rows { pairing, x, cos, sin, tokens, first: task * rows, buffer, out });
        });
    });
}

/// Some rows.
struct Rows<'a, T> {
    pairing: Pairing,
    x: &'a Reader<'a, T>,
    cos: &'a Reader<'a, f32>,
    sin: &'a Reader<'a, f32>,
    tokens: usize,
    first: usize,
    buffer: &'a mut [f32],
    out: &'a mut [T],
}

impl<T: Element> Work for Rows<'_, T> {
    #[inline(always)]
    fn run(self) {
        let width = self.buffer.len() / 4;
        let (line, buffer) = self.buffer.split_at_mut(width);
        let (cosines, buffer) = buffer.split_at_mut(width);
        let (sines, turned) = buffer.split_at_mut(width);
        for (i, out) in self.out.chunks_mut(width).enumerate() {
            let row = self.first + i;
            self.x.load(0, row * width, line);
            self.cos.load(0, row % self.tokens * width, cosines);
            self.sin.load(0, row % self.tokens * width, sines);
            turn(self.pairing, line, turned);
            for ((v, turned), (cos, sin)) in line.iter_mut().zip(&*turned).zip(cosines.iter().zip(&*sines)) {
                *v = *v * *cos + *turned * *sin;
            }
            convert::from_f32(line, out);
        }
    }
}

/// Takes each pair `(a, b)` to `(-b, a)`.
#[inline(always)]
fn turn(pairing: Pairing, line: &[f32], turned: &mut [f32]) {
    match pairing {
        Pairing::Interleaved => {
            for (to, from) in turned.chunks_exact_mut(2).zip(line.chunks_exact(2)) {
                to.copy_from_slice(&[-from[1], from[0]]);
            }
        }
        Pairing::Halves => {
            let half = line.len() / 2;
            turned[..half].iter_mut().zip(&line[half..]).for_each(|(to, from)| *to = -from);
            turned[half..].copy_from_slice(&line[..half]);
        }
    }
}
