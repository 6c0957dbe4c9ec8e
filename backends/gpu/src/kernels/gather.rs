//! Entries of a table by their numbers.

use super::pointwise::{THREADS, grid};
use super::walk::Walk;
use crate::prelude::name;
use crate::{Architecture, Arg, KernelSource, Launch, View};

/// `table` with `axis` replaced by the entries that `indices` name, clamped to it.
pub fn gather(
    axis: usize,
    table: &View,
    indices: &View,
    to: &View,
    _architecture: &Architecture,
) -> Result<Launch, String> {
    let (outer, inner) = (table.strides.get(..axis), table.strides.get(axis + 1..));
    let (Some(outer), Some(inner)) = (outer, inner) else { return Err(format!("there is no axis {axis}")) };
    let none = |count: usize| vec![0; count];
    let entries = [outer, &none(indices.shape.len()), inner].concat();
    let numbers = [&none(outer.len())[..], &indices.strides, &none(inner.len())].concat();
    let walk = Walk::over(&to.shape, &[&to.strides, &entries, &numbers]);
    let index = crate::kernels::walk::Index::Wide;
    let (kind, integer, parameters) = (name(to.dtype), index.name(), walk.parameters("", index));
    let code = format!(
        "KERNEL void gather({kind}* to, const {kind}* table, const int* numbers, {integer} n, {integer} extent, {integer} step{parameters}) {{
    const {integer} i = ({integer})blockIdx.x * {THREADS} + threadIdx.x;
    if (i >= n) return;
{}    {integer} entry = numbers[{}];
    entry = entry < 0 ? 0 : entry >= extent ? extent - 1 : entry;
    to[{}] = table[{} + entry * step];
}}
",
        walk.coordinates("", "i", index),
        walk.offset("", 2),
        walk.offset("", 0),
        walk.offset("", 1),
    );
    let mut args = vec![Arg::Write(0), Arg::Read(0), Arg::Read(1), index.arg(walk.elements())];
    args.extend([index.arg(table.shape[axis]), index.arg(table.strides[axis])]);
    args.extend(walk.arguments(index));
    let kernel = KernelSource { entry: "gather".into(), code: code.into() };
    Ok(Launch { kernel, grid: grid(walk.elements())?, block: [THREADS, 1, 1], shared: 0, args })
}
