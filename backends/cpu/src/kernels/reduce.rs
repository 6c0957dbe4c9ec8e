//! Sums, means and maxima over axes.

use super::walk::{Reader, Walk};
use super::{convert, math, scratch};
use crate::tensor::{Element, View};
use rayon::prelude::*;
use smallvec::SmallVec;
use tintype_program::{MAX_RANK, Reduce};

/// Results that are summed beside each other.
const STRETCH: usize = 256;

/// One number an axis.
type Extents = SmallVec<[usize; MAX_RANK]>;

/// Combines the elements along `axes`, which stay as axes of extent 1. Sums are f64, in an order that depends on the
/// reduced axes alone.
pub(crate) fn reduce<T: Element>(function: Reduce, axes: &[usize], x: View<T>, out: &mut [T]) {
    let part = |reduced: bool| {
        let chosen = (0..x.shape().len()).filter(|axis| axes.contains(axis) == reduced);
        chosen.map(|axis| (x.shape()[axis], x.strides()[axis])).unzip()
    };
    let (kept_shape, kept_strides): (Extents, Extents) = part(false);
    let (shape, strides): (Extents, Extents) = part(true);
    let count: usize = shape.iter().product();
    let (kept, reduced) = (Walk::new(&kept_shape, &kept_strides), Walk::new(&shape, &strides));
    if out.is_empty() {
        return;
    }
    let finish = |value: f64| match function {
        Reduce::Mean => (value / count as f64) as f32,
        _ => value as f32,
    };
    let start = if function == Reduce::Max { f64::NEG_INFINITY } else { 0.0 };
    // Neighbours in memory are taken together: along the reduced axes, or across results.
    if x.strides().last() == Some(&1) && !axes.contains(&(x.shape().len() - 1)) {
        let kept = Reader::over(x.data(), kept);
        return across(function, kept, reduced, count, start, finish, out);
    }
    let reader = Reader::over(x.data(), reduced);
    // Enough results a task that the task is worth its while.
    let results = (4096 / count.max(1)).max(1);
    out.par_chunks_mut(results).enumerate().for_each(|(task, out)| {
        scratch::with(count.min(4096), |line| {
            for (i, out) in out.iter_mut().enumerate() {
                let base = kept.offset(task * results + i);
                let mut lanes = [start; 8];
                for from in (0..count).step_by(4096) {
                    let line = &mut line[..(count - from).min(4096)];
                    reader.load(base, from, line);
                    for chunk in line.chunks(8) {
                        lanes
                            .iter_mut()
                            .zip(chunk)
                            .for_each(|(lane, v)| *lane = combine(function, *lane, *v));
                    }
                }
                let total = lanes[1..].iter().fold(lanes[0], |total, lane| match function {
                    Reduce::Max => f64::from(math::max(total as f32, *lane as f32)),
                    _ => total + lane,
                });
                *out = T::from_f32(finish(total));
            }
        });
    });
}

/// As [`reduce`], many results at once, each in the order of the reduced axes.
fn across<T: Element>(
    function: Reduce,
    kept: Reader<T>,
    reduced: Walk,
    count: usize,
    start: f64,
    finish: impl Fn(f64) -> f32 + Sync,
    out: &mut [T],
) {
    out.par_chunks_mut(STRETCH).enumerate().for_each(|(task, out)| {
        let mut totals = [start; STRETCH];
        scratch::with(out.len(), |line| {
            reduced.for_runs(0, count, |run| {
                for i in 0..run.count {
                    kept.load(run.from + i * run.stride, task * STRETCH, line);
                    totals
                        .iter_mut()
                        .zip(&*line)
                        .for_each(|(total, v)| *total = combine(function, *total, *v));
                }
            });
            line.iter_mut().zip(&totals).for_each(|(v, total)| *v = finish(*total));
            convert::from_f32(line, out);
        });
    });
}

#[inline(always)]
fn combine(function: Reduce, total: f64, v: f32) -> f64 {
    let v = f64::from(v);
    match function {
        Reduce::Max => {
            if total > v || total.is_nan() {
                total
            } else {
                v
            }
        }
        _ => total + v,
    }
}
