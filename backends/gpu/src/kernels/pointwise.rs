//! Kernels that compute each element of a result by itself.

use super::walk::{Index, Walk, broadcast};
use crate::prelude::name;
use crate::{Arg, KernelSource, Launch, View};
use std::cmp::Reverse;
use std::fmt::Write;

/// Threads of a block.
pub(super) const THREADS: u32 = 256;

/// A kernel that writes each element of `to` from the elements of `reads` at its place.
pub(super) struct Pointwise<'a> {
    /// What the function is called.
    pub(super) entry: String,
    pub(super) reads: &'a [View],
    pub(super) to: &'a View,
    /// Statements that define `result` from `x0`, `x1`, ..., the elements as they are stored.
    pub(super) body: String,
}

impl Pointwise<'_> {
    /// Elements go 16 bytes at a time where all lie side by side.
    pub(super) fn launch(self) -> Result<Launch, String> {
        // In the order in which the result lies, so that neighbouring threads write neighbouring elements.
        let mut order: Vec<usize> = (0..self.to.shape.len()).collect();
        order.sort_by_key(|&axis| Reverse(self.to.strides.get(axis)));
        let ordered =
            |of: &[usize]| order.iter().filter_map(|&axis| of.get(axis).copied()).collect::<Vec<_>>();
        let reads = self.reads.iter().map(|view| broadcast(view, &self.to.shape));
        let strides: Vec<Vec<usize>> =
            std::iter::once(self.to.strides.clone()).chain(reads).map(|strides| ordered(&strides)).collect();
        let all: Vec<&[usize]> = strides.iter().map(Vec::as_slice).collect();
        let mut walk = Walk::over(&ordered(&self.to.shape), &all);
        let lanes = self.lanes(&walk);
        if let Some(inner) = walk.extents.last_mut().filter(|_| lanes > 1) {
            *inner /= lanes;
            // Operands whose neighbours lie side by side are stepped through by so many at once.
            for strides in walk.strides.iter_mut().filter(|strides| strides.last() == Some(&1)) {
                let outer = strides.len() - 1;
                strides[..outer].iter_mut().for_each(|stride| *stride /= lanes);
            }
        }
        let index = walk.index();
        let code = self.code(&walk, lanes, index);
        let mut args = vec![Arg::Write(0)];
        args.extend((0..self.reads.len()).map(Arg::Read));
        args.push(index.arg(walk.elements()));
        args.extend(walk.arguments(index));
        let kernel = KernelSource { entry: self.entry, code: code.into() };
        Ok(Launch { kernel, grid: grid(walk.elements())?, block: [THREADS, 1, 1], shared: 0, args })
    }

    /// How many neighbours each thread takes.
    fn lanes(&self, walk: &Walk) -> usize {
        let views = || std::iter::once(self.to).chain(self.reads);
        let widest = views().map(|view| view.dtype.size()).max().unwrap_or(4);
        let inner = walk.extents.last().copied().unwrap_or(1);
        let fits = |lanes: usize| {
            inner.is_multiple_of(lanes)
                && views().zip(&walk.strides).all(|(view, strides)| match strides.split_last() {
                    Some((0, _)) => true,
                    Some((1, outer)) => {
                        view.offset.is_multiple_of(lanes)
                            && outer.iter().all(|stride| stride.is_multiple_of(lanes))
                    }
                    _ => false,
                })
                && walk.strides.first().and_then(|to| to.last()) == Some(&1)
        };
        [8, 4, 2].into_iter().find(|&lanes| lanes * widest <= 16 && fits(lanes)).unwrap_or(1)
    }

    fn code(&self, walk: &Walk, lanes: usize, index: Index) -> String {
        let mut text = format!("KERNEL void {}({}* __restrict__ to", self.entry, name(self.to.dtype));
        for (i, view) in self.reads.iter().enumerate() {
            let _ = write!(text, ", const {}* __restrict__ from{i}", name(view.dtype));
        }
        let integer = index.name();
        let _ = writeln!(text, ", {integer} n{}) {{", walk.parameters("", index));
        let _ = writeln!(text, "    const {integer} i = ({integer})blockIdx.x * {THREADS} + threadIdx.x;");
        let _ = writeln!(text, "    if (i >= n) return;");
        text += &walk.coordinates("", "i", index);
        let place = |operand: usize| {
            let offset = walk.offset("", operand);
            let grouped = lanes > 1 && walk.strides[operand].last() == Some(&1);
            if grouped { format!("({offset}) * {lanes}") } else { offset }
        };
        let body = indent(&self.body);
        if lanes == 1 {
            for i in 0..self.reads.len() {
                let _ = writeln!(text, "    const auto x{i} = from{i}[{}];", place(i + 1));
            }
            let _ = writeln!(text, "{body}    to[{}] = result;\n}}", place(0));
            return text;
        }
        for (i, view) in self.reads.iter().enumerate() {
            let place = place(i + 1);
            let kind = name(view.dtype);
            if walk.strides[i + 1].last() == Some(&0) {
                let _ = writeln!(text, "    const auto x{i} = from{i}[{place}];");
            } else {
                let pack = format!("Pack<{kind}, {lanes}>");
                let _ = writeln!(text, "    const {pack} p{i} = *(const {pack}*)(from{i} + {place});");
            }
        }
        let pack = format!("Pack<{}, {lanes}>", name(self.to.dtype));
        let _ = writeln!(
            text,
            "    {pack} out;\n#pragma unroll\n    for (int lane = 0; lane < {lanes}; lane++) {{"
        );
        for i in 0..self.reads.len() {
            if walk.strides[i + 1].last() != Some(&0) {
                let _ = writeln!(text, "    const auto x{i} = p{i}.at[lane];");
            }
        }
        let _ = writeln!(text, "{body}    out.at[lane] = result;\n    }}");
        let _ = writeln!(text, "    *({pack}*)(to + {}) = out;\n}}", place(0));
        text
    }
}

/// Lines, four spaces in.
pub(super) fn indent(body: &str) -> String {
    body.lines().map(|line| format!("    {line}\n")).collect()
}

/// Blocks enough for so many threads.
pub(super) fn grid(threads: usize) -> Result<[u32; 3], String> {
    blocks(threads.div_ceil(THREADS as usize))
}

/// So many blocks.
pub(super) fn blocks(count: usize) -> Result<[u32; 3], String> {
    match i32::try_from(count.max(1)) {
        Ok(count) => Ok([count as u32, 1, 1]),
        Err(_) => Err(format!("{count} blocks are more than a launch may have")),
    }
}
