//! Rotary position embedding.

use super::walk::Reader;
use super::{convert, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use tintype_program::Pairing;

/// `x: [b, h, s, d]` with pairs of elements turned by the angles of `cos` and `sin`, each `[s, d]`.
pub(crate) fn rotary<T: Element>(
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
    let (x, cos, sin) = (Reader::new(&x), Reader::new(&cos), Reader::new(&sin));
    out.par_chunks_mut(width).enumerate().for_each(|(row, out)| {
        scratch::with(4 * width, |buffer| {
            let (line, buffer) = buffer.split_at_mut(width);
            let (cosines, buffer) = buffer.split_at_mut(width);
            let (sines, turned) = buffer.split_at_mut(width);
            x.load(0, row * width, line);
            cos.load(0, row % tokens * width, cosines);
            sin.load(0, row % tokens * width, sines);
            turn(pairing, line, turned);
            for ((v, turned), (cos, sin)) in line.iter_mut().zip(turned).zip(cosines.iter().zip(sines)) {
                *v = *v * *cos + *turned * *sin;
            }
            convert::from_f32(line, out);
        });
    });
}

/// Takes each pair `(a, b)` to `(-b, a)`.
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
