//! One operation to its launches.

use super::{Lowering, Operand, matrix, reads_codes};
use crate::{View, kernels, passes};
use tintype_program::{Block, DType, Node, Op, TensorType, ValueId};

impl Lowering<'_> {
    pub(super) fn node(&mut self, index: usize, node: &Node) -> Result<(), String> {
        if self.layouts.is_view(node) {
            return Ok(());
        }
        if let Op::Call { .. } = node.op {
            return self.call(index, &node.inputs, &node.outputs);
        }
        if node.outputs.iter().all(|&value| self.block.ty(value).elements() == 0) {
            return Ok(());
        }
        if !reads_codes(&node.op) && node.inputs.iter().any(|&value| !self.block.encoding(value).is_plain()) {
            return Err("it reads no encoded parameter; decode it first".into());
        }
        let outputs = self.operands(&node.outputs)?;
        if let Op::Custom { decomposition, .. } = &node.op
            && passes::is_fused(&node.op)
        {
            return self.fused(&node.op, self.program.block(*decomposition), &node.inputs, &outputs);
        }
        if let Op::Elementwise { block } = node.op {
            return self.group(self.program.block(block), &node.inputs, &outputs);
        }
        let [to] = &outputs[..] else { return Err("it has more than one result".into()) };
        match &node.op {
            Op::Linear { .. } => self.linear(&node.inputs, to, crate::Epilogue::None),
            Op::Decode => self.decode(node.inputs[0], to),
            Op::MatMul => self.matmul(node, to),
            Op::Attention { scale } => self.attention(node, *scale, to),
            Op::Convolution { .. } => self.convolution(node, to),
            Op::GroupNorm { groups, eps } => self.group_norm(node, *groups, *eps, to),
            Op::Concat { axis } => self.concat(node, *axis, to),
            // A view that strides cannot express: the elements in their order.
            Op::Reshape { .. } => {
                let from = self.operand(node.inputs[0])?;
                let to = Operand { view: View::contiguous(to.view.dtype, &from.view.shape), home: to.home };
                self.copy(&from, &to)
            }
            op => self.simple(op, node, to),
        }
    }

    /// Operations of one launch each.
    fn simple(&mut self, op: &Op, node: &Node, to: &Operand) -> Result<(), String> {
        use kernels::{copy, elementwise, gather, norm, pad, reduce, rotary, softmax, upsample};
        let reads = self.operands(&node.inputs)?;
        let views: Vec<View> = reads.iter().map(|operand| operand.view.clone()).collect();
        let arch = self.architecture();
        let launch = match (op, &views[..]) {
            (Op::Constant { value, .. }, []) => copy::fill(*value, &to.view, arch),
            (op, views) if op.is_elementwise() => elementwise::single(op, views, &to.view, arch),
            (op, [x]) if op.is_view() => copy::copy(x, &to.view, arch),
            (Op::Reduce { function, axes }, [x]) => reduce::reduce(*function, axes, x, &to.view, arch),
            (Op::Pad { before, mode, .. }, [x]) => pad::pad(before, *mode, x, &to.view, arch),
            (Op::Gather { axis }, [table, indices]) => gather::gather(*axis, table, indices, &to.view, arch),
            (Op::Softmax { axis }, [x]) => softmax::softmax(*axis, x, &to.view, arch),
            (Op::LayerNorm { .. } | Op::RmsNorm { .. }, views) => norm::single(op, views, &to.view, arch),
            (Op::RotaryEmbedding { pairing }, [x, cos, sin]) => {
                rotary::rotary(*pairing, x, cos, sin, &to.view, arch)
            }
            (Op::Upsample { factors }, [x]) => upsample::upsample(factors, x, &to.view, arch),
            (op, views) => Err(format!("there is no kernel for {} of {} operands", op.name(), views.len())),
        }?;
        self.launch(op.name(), launch, &reads.iter().collect::<Vec<_>>(), &[to]);
        Ok(())
    }

    /// The spread of each part of a group, then the norm.
    fn group_norm(&mut self, node: &Node, groups: usize, eps: f64, to: &Operand) -> Result<(), String> {
        let reads = self.operands(&node.inputs)?;
        let views: Vec<View> = reads.iter().map(|operand| operand.view.clone()).collect();
        let (x, affine) = views.split_first().ok_or("it takes an operand")?;
        let norm = kernels::norm::GroupNorm { groups, eps, x, to: &to.view, affine };
        let (find, apply) = (norm.spreads(self.architecture())?, norm.apply(self.architecture())?);
        let parts = x.shape[0] * groups * norm.parts(self.architecture());
        let spreads = self.desk(&TensorType::new(DType::F32, [parts, 2]));
        let (x, affine) = reads.split_first().ok_or("it takes an operand")?;
        self.launch("group_norm", find, &[x], &[&spreads]);
        let all: Vec<&Operand> = [x, &spreads].into_iter().chain(affine).collect();
        self.launch("group_norm", apply, &all, &[to]);
        Ok(())
    }

    /// A pass over memory for each result.
    fn group(&mut self, block: &Block, inputs: &[ValueId], outputs: &[Operand]) -> Result<(), String> {
        for (port, to) in block.outputs.iter().zip(outputs).filter(|(_, to)| to.view.elements() > 0) {
            let mut part = Block { outputs: vec![port.clone()], ..block.clone() };
            let used = part.used_values();
            let is_used = |value: &ValueId| used.get(value.index()) == Some(&true);
            let arguments: Vec<ValueId> = part.arguments().collect();
            let read = arguments.iter().zip(inputs).filter(|(value, _)| is_used(value));
            let reads = self.operands(&read.map(|(_, &input)| input).collect::<Vec<_>>())?;
            part.inputs.retain(|port| is_used(&port.value));
            part.params.retain(|param| is_used(&param.value));
            part.nodes.retain(|node| node.outputs.iter().any(is_used));
            let views: Vec<View> = reads.iter().map(|operand| operand.view.clone()).collect();
            let launch = kernels::elementwise::group(&part, &views, &to.view, self.architecture())?;
            self.launch("elementwise", launch, &reads.iter().collect::<Vec<_>>(), &[to]);
        }
        Ok(())
    }

    /// Operands that are not written where they are joined yet.
    fn concat(&mut self, node: &Node, axis: usize, to: &Operand) -> Result<(), String> {
        let whole = node.outputs[0];
        let mut start = 0;
        for &value in &node.inputs {
            let ty: TensorType = self.block.ty(value).clone();
            let extent = ty.shape.get(axis).copied().unwrap_or(0);
            let layout =
                tintype_program::memory::Layout { offset: to.view.offset, strides: to.view.strides.clone() };
            let part = matrix::range(&layout, axis, start);
            start += extent;
            let from = self.operand(value)?;
            let view = View { dtype: ty.dtype, shape: ty.shape, strides: part.strides, offset: part.offset };
            // It is there already if it lies exactly so in this very memory.
            let there = is_same(&from.view, &view) && from.home == to.home && self.was_written(value, whole);
            if view.elements() > 0 && !there {
                self.copy(&from, &Operand { view, home: to.home })?;
            }
        }
        Ok(())
    }

    /// Whether a value, or the one that it is a view of, was written as a part of another.
    fn was_written(&self, mut value: ValueId, whole: ValueId) -> bool {
        loop {
            if self.layouts.is_part_of(value, whole) {
                return true;
            }
            let producer = self.block.nodes.iter().find(|node| node.outputs.contains(&value));
            match producer.map(|node| (self.layouts.is_view(node), &node.inputs[..])) {
                Some((true, &[input])) => value = input,
                _ => return false,
            }
        }
    }
}

/// Whether two views of one shape are of the same elements: the stride of an axis with one element says nothing.
fn is_same(a: &View, b: &View) -> bool {
    let strides = |view: &View| -> Vec<usize> {
        let all = view.shape.iter().zip(&view.strides).filter(|(extent, _)| **extent != 1);
        all.map(|(_, &stride)| stride).collect()
    };
    (a.dtype, &a.shape, a.offset) == (b.dtype, &b.shape, b.offset) && strides(a) == strides(b)
}
