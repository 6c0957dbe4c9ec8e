//! What a Program will take of a device's memory, before it is compiled and before any weight is read.

use crate::{Buffer, Result};
use serde::Serialize;
use tintype_program::{Program, memory, passes};

/// Memory that a bound Program takes beside its weights, inputs, states and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Footprint {
    /// Bytes of intermediate results that an instance keeps.
    pub arena: u64,
    /// Bytes that the plugin makes from weights when it binds them, shared by all instances that bind the same ones.
    pub derived: u64,
    /// Whether weights that are stored as they are bound stay in the pages of their files.
    pub in_place: bool,
    /// Whether this is the plugin's own plan. If not, it is the plan of a cautious plugin: every result in memory of
    /// its own, nothing made from weights.
    pub exact: bool,
}

impl Footprint {
    /// The plan of a plugin that says nothing of its own: elementwise operations fused, no result in place.
    ///
    /// # Errors
    ///
    /// What [`Program::check`] refuses.
    pub fn cautious(program: &Program) -> Result<Self> {
        program.check()?;
        let program = passes::group_elementwise(program.clone());
        let plans = memory::plan(&program, Buffer::ALIGNMENT, |_, node| memory::Need::fresh(&node.op));
        let arena = plans.last().map_or(0, |entry| entry.size as u64);
        Ok(Self { arena, derived: 0, in_place: false, exact: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tintype_program::{DType, TensorType};

    #[test]
    fn the_cautious_plan_counts_what_lives_at_once() {
        let program = Program::trace("chain", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [64, 64]))?;
            let y = x.matmul(&x)?.matmul(&x)?.matmul(&x)?;
            scope.output("y", &y)
        });
        let footprint = Footprint::cautious(&program.unwrap()).unwrap();
        assert_eq!(footprint.arena, 2 * 64 * 64 * 4, "two of three results at once; the last is the output");
        assert!(!footprint.exact);
    }
}
