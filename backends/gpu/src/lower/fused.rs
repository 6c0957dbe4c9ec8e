//! Operations that passes of this crate gathered.

use super::{Lowering, Operand};
use crate::{Epilogue, View, kernels, passes};
use tintype_program::{Block, Op, ValueId};

impl Lowering<'_> {
    pub(super) fn fused(
        &mut self,
        op: &Op,
        body: &Block,
        inputs: &[ValueId],
        outputs: &[Operand],
    ) -> Result<(), String> {
        match (op.name(), outputs) {
            (passes::LINEAR_GELU, [to]) => self.linear(inputs, to, Epilogue::GeluTanh),
            (passes::NORM, _) => self.norm(body, inputs, outputs),
            (name, _) => Err(format!("there is no kernel for {name} of {} results", outputs.len())),
        }
    }

    fn norm(&mut self, body: &Block, inputs: &[ValueId], outputs: &[Operand]) -> Result<(), String> {
        let reads = self.operands(inputs)?;
        let views: Vec<View> = reads.iter().map(|operand| operand.view.clone()).collect();
        let to: Vec<View> = outputs.iter().map(|operand| operand.view.clone()).collect();
        let launch = kernels::norm::fused(self.program, body, &views, &to, self.architecture())?;
        self.launch(
            passes::NORM,
            launch,
            &reads.iter().collect::<Vec<_>>(),
            &outputs.iter().collect::<Vec<_>>(),
        );
        Ok(())
    }
}
