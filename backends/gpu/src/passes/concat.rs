//! Joining the same slice of several products.

use super::edit::Edit;
use tintype_program::{Block, Node, Op, Program, ValueId};

/// Joins linear layers' results before they are sliced, where what is joined is the same slice of each: every product is
/// written where it is joined, and the slice of all is a view. Joined after it was sliced, every part would be copied.
pub fn join_products(program: Program) -> Program {
    Edit::each_node(program, |block, index, edit| {
        let node = &block.nodes[index];
        let Op::Concat { axis } = node.op else { return None };
        let parts: Vec<Part<'_>> =
            node.inputs.iter().map(|&value| Part::of(block, value, axis)).collect::<Option<_>>()?;
        let (first, rest) = parts.split_first()?;
        let is_new =
            |(at, part): (usize, &Part<'_>)| parts[..at].iter().all(|one| one.product != part.product);
        if !rest.iter().all(|part| part.agrees(first, axis)) || !parts.iter().enumerate().all(is_new) {
            return None;
        }
        let products: Vec<ValueId> = parts.iter().map(|part| part.product).collect();
        let whole = edit.once(Op::Concat { axis }, &products)?;
        let total = parts.iter().map(|part| part.extent(axis)).sum();
        let mut ends = first.ends.to_vec();
        *ends.get_mut(axis)? = total;
        let op = Op::Slice { starts: first.starts.to_vec(), ends, steps: first.steps.to_vec() };
        let slice = edit.add(op, &[whole])?;
        let Some(shape) = first.reshaped else { return Some(slice) };
        let mut shape = shape.to_vec();
        *shape.get_mut(axis)? = total;
        edit.add(Op::Reshape { shape }, &[slice])
    })
}

/// A slice of a linear layer's result, in another shape if need be.
struct Part<'b> {
    product: ValueId,
    /// The product's shape.
    of: &'b [usize],
    starts: &'b [usize],
    ends: &'b [usize],
    steps: &'b [usize],
    reshaped: Option<&'b [usize]>,
}

impl<'b> Part<'b> {
    /// What is joined along an axis, if it is that: whole along the axis, which stays where it is, and with nothing outside
    /// of it, so that products are written one behind the other.
    fn of(block: &'b Block, value: ValueId, axis: usize) -> Option<Self> {
        let maker =
            |value: ValueId| -> Option<&'b Node> { block.nodes.iter().find(|node| node.outputs == [value]) };
        let mut node = maker(value)?;
        let mut reshaped = None;
        if let Op::Reshape { shape } = &node.op {
            reshaped = Some(&shape[..]);
            let from = &block.ty(*node.inputs.first()?).shape;
            if from.get(..=axis)? != shape.get(..=axis)? {
                return None;
            }
            node = maker(*node.inputs.first()?)?;
        }
        let Op::Slice { starts, ends, steps } = &node.op else { return None };
        let product = *node.inputs.first()?;
        let of = &block.ty(product).shape[..];
        let is_linear = matches!(maker(product)?.op, Op::Linear { .. });
        let whole =
            starts.get(axis) == Some(&0) && ends.get(axis) == of.get(axis) && steps.get(axis) == Some(&1);
        let outermost = of.get(..axis)?.iter().all(|&extent| extent == 1);
        let found = is_linear && whole && outermost && axis + 1 < of.len();
        found.then_some(Self { product, of, starts, ends, steps, reshaped })
    }

    fn extent(&self, axis: usize) -> usize {
        self.of.get(axis).copied().unwrap_or(0)
    }

    /// Whether it is the same slice as another's, but for how much there is along an axis.
    fn agrees(&self, other: &Part<'_>, axis: usize) -> bool {
        let but = |a: &[usize], b: &[usize]| {
            a.len() == b.len() && a.iter().zip(b).enumerate().all(|(at, (a, b))| at == axis || a == b)
        };
        let shapes = match (self.reshaped, other.reshaped) {
            (Some(a), Some(b)) => but(a, b),
            (None, None) => true,
            _ => false,
        };
        shapes
            && but(self.of, other.of)
            && self.starts == other.starts
            && self.steps == other.steps
            && but(self.ends, other.ends)
    }
}
