//! How the values of a block lie, chosen so that as little as possible is moved.

use super::Callees;
use super::rim::Rim;
use std::collections::HashMap;
use tintype_program::memory::{Layout, Storage};
use tintype_program::{Block, Node, Op, ValueId};

/// The layout of each value, and where it belongs.
pub(super) struct Layouts {
    layouts: Vec<Layout>,
    homes: Vec<Place>,
    rim: Rim,
}

/// Where a value's memory comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Own,
    Permuted,
    View,
    Part(ValueId),
}

impl Layouts {
    /// Row-major order throughout, views where they cost nothing.
    pub(super) fn plain(block: &Block) -> Self {
        Self::choose(block, &Callees::new(), &HashMap::new(), Rim::default(), false)
    }

    /// Chosen for few copies: attention's result lies as the heads are merged next, pictures that a convolution makes lie
    /// channels last, and what is joined is written where it is joined. Arguments lie as `rim` says; without one, results are
    /// row-major too.
    pub(super) fn fitted(block: &Block, callees: &Callees, rim: Option<Rim>) -> Self {
        let called = rim.is_some();
        let mut made = Self::choose(block, callees, &parts(block), rim.unwrap_or_default(), true);
        if called {
            let picture = |value: ValueId| {
                made.homes[value.index()] == Place::Permuted && made.is_picture(block, value)
            };
            let results = block.results().map(picture).collect::<Vec<_>>();
            made.rim = std::mem::take(&mut made.rim).with_results(results.into_iter());
        }
        made
    }

    fn choose(
        block: &Block,
        callees: &Callees,
        parts: &HashMap<ValueId, (ValueId, Layout)>,
        rim: Rim,
        fitted: bool,
    ) -> Self {
        let layouts = block.values.iter().map(|ty| Layout::contiguous(&ty.shape)).collect();
        let mut made = Self { layouts, homes: vec![Place::Own; block.values.len()], rim };
        for (position, value) in block.arguments().enumerate() {
            if made.rim.argument(position)
                && let Some(layout) = channels_last(&block.ty(value).shape)
            {
                made.layouts[value.index()] = layout;
            }
        }
        for (index, node) in block.nodes.iter().enumerate() {
            if let Some(callee) = callees.get(&index) {
                for (position, &output) in node.outputs.iter().enumerate() {
                    if callee.rim.result(position)
                        && let Some(layout) = channels_last(&block.ty(output).shape)
                    {
                        made.layouts[output.index()] = layout;
                        made.homes[output.index()] = Place::Permuted;
                    }
                }
                continue;
            }
            let &[output] = &node.outputs[..] else { continue };
            let chosen = match parts.get(&output) {
                Some((of, layout)) => Some((layout.clone(), Place::Part(*of))),
                None => made.view(block, node, output).map(|layout| (layout, Place::View)),
            };
            let chosen = chosen.or_else(|| {
                let permuted = made.permuted(block, node, output).filter(|_| fitted)?;
                Some((permuted, Place::Permuted))
            });
            if let Some((layout, home)) = chosen {
                made.layouts[output.index()] = layout;
                made.homes[output.index()] = home;
            }
        }
        made
    }

    fn view(&self, block: &Block, node: &Node, output: ValueId) -> Option<Layout> {
        let &[input] = &node.inputs[..] else { return None };
        if !node.op.is_view() || !block.encoding(input).is_plain() {
            return None;
        }
        self.of(input).view(&node.op, block.ty(input), block.ty(output))
    }

    /// A layout other than row-major that suits a node's result.
    fn permuted(&self, block: &Block, node: &Node, output: ValueId) -> Option<Layout> {
        let shape = &block.ty(output).shape;
        let layout = match node.op {
            Op::Attention { .. } => in_order(shape, &[0, 2, 1, 3])?,
            Op::Convolution { .. } if shape.len() == 4 => channels_last(shape)?,
            Op::Elementwise { .. } | Op::GroupNorm { .. } | Op::Upsample { .. } => {
                node.inputs.iter().find(|value| self.is_picture(block, **value))?;
                channels_last(shape)?
            }
            _ => return None,
        };
        (!layout.is_contiguous(shape)).then_some(layout)
    }

    /// Whether a value lies channels last, and not row-major as well.
    fn is_picture(&self, block: &Block, value: ValueId) -> bool {
        let (layout, shape) = (self.of(value), &block.ty(value).shape);
        channels_last(shape).as_ref() == Some(layout) && !layout.is_contiguous(shape)
    }

    /// How the block takes and gives what it takes and gives.
    pub(super) fn rim(&self) -> &Rim {
        &self.rim
    }

    /// How a value lies, relative to the start of its memory.
    pub(super) fn of(&self, value: ValueId) -> &Layout {
        &self.layouts[value.index()]
    }

    /// What the memory planner is asked for a node's results.
    pub(super) fn storage(&self, block: &Block, node: &Node) -> Storage {
        match node.outputs.first().map(|value| self.homes[value.index()]) {
            Some(Place::View) => Storage::View { operand: 0 },
            Some(Place::Part(of)) => Storage::Part { of },
            _ if node.outputs.iter().any(|value| self.misfits(block, *value)) => Storage::Permuted,
            _ => Storage::Fresh,
        }
    }

    /// Whether a value does not lie as it would have to where it is a result.
    fn misfits(&self, block: &Block, value: ValueId) -> bool {
        let wanted = || {
            let mut positions = block.results().enumerate().filter(|(_, result)| *result == value);
            positions.any(|(position, _)| self.rim.result(position))
        };
        self.homes[value.index()] == Place::Permuted && !wanted()
    }

    /// Whether a node computes nothing, since its result is a view.
    pub(super) fn is_view(&self, node: &Node) -> bool {
        node.outputs.iter().any(|value| self.homes[value.index()] == Place::View)
    }

    /// Whether a value lies where it is joined with others.
    pub(super) fn is_part_of(&self, value: ValueId, whole: ValueId) -> bool {
        self.homes[value.index()] == Place::Part(whole)
    }

    /// Whether a value has to be packed before a block can take it as an argument.
    pub(super) fn is_scattered(&self, block: &Block, value: ValueId) -> bool {
        !self.of(value).is_contiguous(&block.ty(value).shape)
    }
}

/// The elements one after another when the axes are gone through in this order.
fn in_order(shape: &[usize], order: &[usize]) -> Option<Layout> {
    let mut strides = vec![0; shape.len()];
    let mut inner = 1;
    for &axis in order.iter().rev() {
        *strides.get_mut(axis)? = inner;
        inner *= shape.get(axis)?.max(&1);
    }
    Some(Layout { offset: 0, strides })
}

/// `[n, c, h, w]` with the channels innermost.
pub(super) fn channels_last(shape: &[usize]) -> Option<Layout> {
    in_order(shape, &[0, 2, 3, 1]).filter(|_| shape.len() == 4)
}

/// Values that a concat joins and that may be written where it wants them: the concat's result, and how the value lies
/// in it.
fn parts(block: &Block) -> HashMap<ValueId, (ValueId, Layout)> {
    let mut producers: HashMap<ValueId, &Node> = HashMap::new();
    for node in &block.nodes {
        node.outputs.iter().for_each(|value| {
            producers.insert(*value, node);
        });
    }
    let mut parts = HashMap::new();
    for node in &block.nodes {
        let (Op::Concat { axis }, &[whole]) = (&node.op, &node.outputs[..]) else { continue };
        let all = Layout::contiguous(&block.ty(whole).shape);
        let mut start = 0;
        for &operand in &node.inputs {
            let stride = all.strides.get(*axis).copied().unwrap_or(0);
            let layout = Layout { offset: start * stride, strides: all.strides.clone() };
            start += block.ty(operand).shape.get(*axis).copied().unwrap_or(0);
            if let Some((value, layout)) = written_as(block, &producers, operand, layout)
                && !parts.contains_key(&value)
            {
                parts.insert(value, (whole, layout));
            }
        }
    }
    parts
}

/// The value that views lead back to from `value`, and how it has to lie for `value` to lie as `layout` says. `None` where
/// no kernel writes it, or not so.
fn written_as(
    block: &Block,
    producers: &HashMap<ValueId, &Node>,
    mut value: ValueId,
    mut layout: Layout,
) -> Option<(ValueId, Layout)> {
    loop {
        let node = producers.get(&value)?;
        match (&node.op, &node.inputs[..]) {
            (Op::Reshape { shape }, &[input]) => {
                layout = layout.reshape(shape, &block.ty(input).shape)?;
                value = input;
            }
            (Op::Transpose { permutation }, &[input]) => {
                let mut strides = vec![0; permutation.len()];
                for (&axis, &stride) in permutation.iter().zip(&layout.strides) {
                    *strides.get_mut(axis)? = stride;
                }
                layout.strides = strides;
                value = input;
            }
            _ => return writes_anywhere(block, node, value, &layout).then_some((value, layout)),
        }
    }
}

/// Whether the kernels for a node can write its result in this layout.
fn writes_anywhere(block: &Block, node: &Node, value: ValueId, layout: &Layout) -> bool {
    let shape = &block.ty(value).shape;
    match &node.op {
        Op::Elementwise { .. } | Op::RmsNorm { .. } | Op::LayerNorm { .. } | Op::RotaryEmbedding { .. } => {
            true
        }
        Op::Attention { .. } => layout.strides.last() == Some(&1),
        Op::Linear { .. } => super::matrix::rows(shape, &layout.strides).is_some(),
        Op::Custom { name, .. } if name == crate::passes::LINEAR_GELU => {
            super::matrix::rows(shape, &layout.strides).is_some()
        }
        Op::Custom { name, .. } => name == crate::passes::NORM && node.outputs.len() == 1,
        _ => false,
    }
}
