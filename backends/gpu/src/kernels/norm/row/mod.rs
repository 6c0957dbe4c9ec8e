//! Norms of rows, with what comes before and after them, in one pass: a row is read once, held in registers, and written
//! once.

mod share;
mod text;

use super::super::pointwise::blocks;
use super::super::walk::{Index, Walk, broadcast};
use crate::{Architecture, Arg, KernelSource, Launch, View};
use share::Share;
use text::Text;
use tintype_program::{Block, Pairing};

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Layer { eps: f64 },
    Rms { eps: f64 },
}

/// A block of elementwise operations. An operand is named by its place among those of the launch; the one that is none is
/// the row as it is then.
pub(super) struct Group<'b> {
    pub(super) block: &'b Block,
    pub(super) operands: Vec<Option<usize>>,
}

/// Where the elements of a row come from.
pub(super) enum Before<'b> {
    /// An operand.
    Operand(usize),
    /// What is computed of operands, and rounded as it would be stored.
    Group(Group<'b>),
}

/// What is done to the elements then. Operands are named by their place among those of the launch.
pub(super) enum After<'b> {
    Nothing,
    Rotary { pairing: Pairing, cos: usize, sin: usize },
    Group(Group<'b>),
}

/// A norm of rows.
pub(super) struct Row<'a> {
    pub(super) kind: Kind,
    pub(super) before: Before<'a>,
    /// Weight and bias.
    pub(super) affine: Vec<usize>,
    pub(super) after: After<'a>,
    /// The operands, their axes in the order of the result's.
    pub(super) reads: &'a [View],
    /// Where the row goes as it was before the norm: the first result, if it is one.
    pub(super) kept: Option<&'a View>,
    pub(super) to: &'a View,
}

impl Row<'_> {
    pub(super) fn launch(self, architecture: &Architecture) -> Result<Launch, String> {
        let shape = &self.to.shape;
        let width = shape.last().copied().filter(|&width| width > 0).ok_or("a row has no elements")?;
        let views: Vec<&View> = self.written().chain(self.reads).collect();
        let strides: Vec<Vec<usize>> = views.iter().map(|view| broadcast(view, shape)).collect();
        let inner: Vec<usize> = strides.iter().map(|strides| strides.last().copied().unwrap_or(0)).collect();
        // Rows in the order in which they lie, so that neighbours in time are neighbours in memory.
        let lie = &strides[views.len() - self.reads.len() + self.leading()];
        let mut axes: Vec<usize> = (0..shape.len() - 1).filter(|&axis| shape[axis] != 1).collect();
        axes.sort_by_key(|&axis| std::cmp::Reverse(lie[axis]));
        let pick = |list: &[usize]| axes.iter().map(|&axis| list[axis]).collect::<Vec<_>>();
        let outer: Vec<Vec<usize>> = strides.iter().map(|strides| pick(strides)).collect();
        let walk = Walk::over(&pick(shape), &outer.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let lanes = self.lanes(width, &views, &walk, &inner);
        let share = Share::of(width, lanes, architecture.warp as usize)
            .ok_or_else(|| format!("rows of {width} elements are longer than a block of threads can hold"))?;
        let reach = walk.reach() + width * inner.iter().copied().max().unwrap_or(1);
        let index = if reach < i32::MAX as usize { Index::Narrow } else { Index::Wide };
        let text = Text { row: &self, views: &views, walk: &walk, inner: &inner, share, index };
        let kernel = KernelSource { entry: self.entry(), code: text.code()?.into() };
        let mut args: Vec<Arg> = (0..self.written().count()).map(Arg::Write).collect();
        args.extend((0..self.reads.len()).map(Arg::Read));
        args.push(index.arg(walk.elements()));
        args.extend(inner.iter().map(|&stride| index.arg(stride)));
        args.extend(walk.arguments(index));
        let grid = blocks(walk.elements().div_ceil(share.rows))?;
        Ok(Launch { kernel, grid, block: [share.threads() as u32, 1, 1], shared: 0, args })
    }

    /// The results: what is kept, then the norm's.
    fn written(&self) -> impl Iterator<Item = &View> {
        self.kept.into_iter().chain([self.to])
    }

    /// The operand whose order is followed.
    fn leading(&self) -> usize {
        let largest = |group: &Group<'_>| {
            let operands = group.operands.iter().copied().flatten();
            operands.max_by_key(|&operand| self.reads[operand].elements())
        };
        match &self.before {
            Before::Operand(operand) => *operand,
            Before::Group(group) => largest(group).unwrap_or(0),
        }
    }

    fn entry(&self) -> String {
        let before = if let Before::Group(_) = self.before { "elementwise_" } else { "" };
        let norm = match self.kind {
            Kind::Layer { .. } => "layer_norm",
            Kind::Rms { .. } => "rms_norm",
        };
        let after = match self.after {
            After::Nothing => "",
            After::Rotary { .. } => "_rotary",
            After::Group(_) => "_elementwise",
        };
        format!("{before}{norm}{after}")
    }

    /// How many neighbours a thread takes at once: 16 bytes of the row, twice as many of what is wider.
    fn lanes(&self, width: usize, views: &[&View], walk: &Walk, inner: &[usize]) -> usize {
        let narrowest = self.written().map(|view| view.dtype.size()).min().unwrap_or(4);
        let pairs = matches!(self.after, After::Rotary { pairing: Pairing::Interleaved, .. });
        let fits = |lanes: usize| {
            let aligned = |operand: usize| {
                inner[operand] == 0
                    || is_aligned(views[operand], lanes, &walk.strides[operand], inner[operand])
            };
            width.is_multiple_of(lanes) && lanes * narrowest <= 16 && (0..views.len()).all(aligned)
        };
        // Pairs may be loaded one by one; they only have to meet in one thread.
        [8, 4, 2].into_iter().find(|&lanes| fits(lanes)).unwrap_or(if pairs { 2 } else { 1 })
    }
}

/// Whether so many neighbours of every row can be moved as one.
fn is_aligned(view: &View, lanes: usize, rows: &[usize], inner: usize) -> bool {
    inner == 1
        && lanes * view.dtype.size() <= 32
        && view.offset.is_multiple_of(lanes)
        && rows.iter().all(|stride| stride.is_multiple_of(lanes))
}
