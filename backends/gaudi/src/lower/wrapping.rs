//! Sums of integers that wrap.
//!
//! Programs have integers wrap. No published fact says whether `add_fwd_i32` wraps or bounds its sum, so it is given only
//! numbers whose sum lies in range: what would go beyond an end is cut off first, and counted from the other end.

use super::builder::Builder;
use crate::graph::{Params, TensorId};
use tintype_program::DType;

/// `x + y`.
pub(super) fn add(b: &mut Builder, x: TensorId, y: TensorId, shape: &[usize]) -> TensorId {
    let mut sum = Sum { b, shape };
    let up = sum.bound("max_fwd", y, 0);
    let raised = sum.toward(x, up, &UP);
    let down = sum.bound("min_fwd", y, 0);
    sum.toward(raised, down, &DOWN)
}

/// `x - y`, which is `x + (-1 - y) + 1`: the number in parentheses is in range whatever `y` is.
pub(super) fn sub(b: &mut Builder, x: TensorId, y: TensorId, shape: &[usize]) -> TensorId {
    let small = b.shape(y).to_vec();
    let mut sum = Sum { b, shape };
    let minus_one = sum.number(-1);
    let turned = sum.b.typed("sub_fwd", &[minus_one, y], DType::I32, &small, Params::default());
    let almost = add(b, x, turned, shape);
    let mut sum = Sum { b, shape };
    let one = sum.number(1);
    sum.toward(almost, one, &UP)
}

/// One way to go, from zero to an end of the range.
struct Way {
    end: i32,
    /// What chooses the number that lies further along the way, and what chooses the other.
    further: &'static str,
    nearer: &'static str,
    /// A step along the way.
    step: i32,
    /// From just beyond this end to the other, for one step.
    around: i32,
    /// What adds a step's length.
    lengthen: &'static str,
}

const UP: Way = Way {
    end: i32::MAX,
    further: "max_fwd",
    nearer: "min_fwd",
    step: 1,
    around: i32::MIN,
    lengthen: "add_fwd",
};

const DOWN: Way = Way {
    end: i32::MIN,
    further: "min_fwd",
    nearer: "max_fwd",
    step: -1,
    around: -i32::MAX,
    lengthen: "sub_fwd",
};

struct Sum<'a> {
    b: &'a mut Builder,
    shape: &'a [usize],
}

impl Sum<'_> {
    /// A number for every element.
    fn number(&mut self, value: i32) -> TensorId {
        let one = vec![1; self.shape.len()];
        self.b.typed("constant", &[], DType::I32, &one, Params::integer(value))
    }

    fn node(&mut self, name: &str, x: TensorId, y: TensorId) -> TensorId {
        self.b.typed(name, &[x, y], DType::I32, self.shape, Params::default())
    }

    /// `x` and a number, in `x`'s own shape.
    fn bound(&mut self, name: &str, x: TensorId, value: i32) -> TensorId {
        let value = self.number(value);
        let small = self.b.shape(x).to_vec();
        self.b.typed(name, &[x, value], DType::I32, &small, Params::default())
    }

    /// `x + y`, where every `y` is zero or points this way.
    fn toward(&mut self, x: TensorId, y: TensorId, way: &Way) -> TensorId {
        let along = self.bound(way.further, x, 0);
        let end = self.number(way.end);
        let small = self.b.shape(x).to_vec();
        let room = self.b.typed("sub_fwd", &[end, along], DType::I32, &small, Params::default());
        let fits = self.node(way.nearer, y, room);
        // At the end of the range where some of `y` is left over.
        let reached = self.node("add_fwd", x, fits);
        let left = self.node("sub_fwd", y, fits);
        let step = self.number(way.step);
        let beyond = self.node(way.nearer, left, step);
        // One step further lies the other end: both terms below are then counted from zero.
        let around = self.number(way.around);
        let around = self.node("mult_fwd", beyond, around);
        let reached = self.node("add_fwd", reached, around);
        let reached = self.node(way.lengthen, reached, beyond);
        let left = self.node("sub_fwd", left, beyond);
        let left = self.node("add_fwd", left, around);
        self.node("add_fwd", reached, left)
    }
}
