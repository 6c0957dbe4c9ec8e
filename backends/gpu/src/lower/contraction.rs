//! Products and linear layers: to a library where it takes them, else to kernels of this crate.

use super::matrix::{alignment, collapse, matrix, rows};
use super::{Lowering, Operand};
use crate::plan::Action;
use crate::{Epilogue, LibraryOp, MatMul, Matrix, View, kernels};
use tintype_program::memory::Home;
use tintype_program::{Node, TensorType, ValueId};

impl Lowering<'_> {
    /// `epilogue(x weight^T + bias)` of two or three operands.
    pub(super) fn linear(
        &mut self,
        inputs: &[ValueId],
        to: &Operand,
        epilogue: Epilogue,
    ) -> Result<(), String> {
        let (x, weight, bias) = match *inputs {
            [x, weight] => (x, weight, None),
            [x, weight, bias] => (x, weight, Some(bias)),
            _ => return Err(format!("it takes two or three operands, not {}", inputs.len())),
        };
        let mut x = self.operand(x)?;
        if rows(&x.view.shape, &x.view.strides).is_none() {
            x = self.packed(x)?;
        }
        let weight = self.weight(weight)?;
        let bias = bias.map(|bias| self.operand(bias).and_then(|bias| self.packed(bias))).transpose()?;
        let d = rows(&to.view.shape, &to.view.strides).ok_or("its rows are not evenly apart")?;
        let a = rows(&x.view.shape, &x.view.strides).ok_or("rows of the operand are not evenly apart")?;
        let (b, by_columns) =
            matrix(&weight.view.shape, &weight.view.strides).ok_or("the weight is no matrix")?;
        let k = x.view.shape.last().copied().unwrap_or(0);
        let n = to.view.shape.last().copied().unwrap_or(0);
        let m = to.view.elements().checked_div(n).unwrap_or(0);
        let of = |leading, transposed| Matrix { leading, transposed, batch: 0 };
        let spec = MatMul {
            batch: 1,
            m,
            n,
            k,
            dtype: to.view.dtype,
            a: of(a, false),
            // A weight that lies by rows `[n, k]` is a factor `[k, n]` that lies by columns.
            b: of(b, !by_columns),
            d: of(d, false),
            bias: bias.is_some(),
            epilogue,
            tf32: self.target.tf32,
            alignment: apart(to.view.dtype, [&x, &weight, to], [a, b, d]),
        };
        let own = kernels::matmul::matmul(&spec, self.architecture())?;
        let reads: Vec<&Operand> = [&x, &weight].into_iter().chain(&bias).collect();
        self.push("linear", Action::Library { op: LibraryOp::MatMul(spec), own }, &reads, &[to]);
        Ok(())
    }

    /// A linear layer's weight as plain numbers that lie by rows or by columns.
    fn weight(&mut self, value: ValueId) -> Result<Operand, String> {
        if !self.block.encoding(value).is_plain() {
            let plain = self.desk(&self.block.ty(value).clone());
            self.decode(value, &plain)?;
            return Ok(plain);
        }
        let weight = self.operand(value)?;
        match matrix(&weight.view.shape, &weight.view.strides) {
            Some(_) => Ok(weight),
            None => self.packed(weight),
        }
    }

    /// An encoded parameter to its plain values.
    pub(super) fn decode(&mut self, value: ValueId, to: &Operand) -> Result<(), String> {
        let (ty, encoding) = (self.block.ty(value).clone(), self.block.encoding(value).clone());
        let from = self.operand(value)?;
        if encoding.is_plain() {
            return self.copy(&from, to);
        }
        let launch = kernels::decode::decode(&encoding, &ty, &to.view, self.architecture())?;
        let bytes = encoding.layout(&ty)?.bytes();
        self.launch("decode", launch, &[&from], &[to]);
        if let Some(span) = self.steps.last_mut().and_then(|step| step.reads.first_mut()) {
            (span.bytes, span.least) = (bytes, bytes);
        }
        Ok(())
    }

    /// `a b` of two tensors of matrices.
    pub(super) fn matmul(&mut self, node: &Node, to: &Operand) -> Result<(), String> {
        let [a, b] = &self.operands(&node.inputs)?[..] else { return Err("it takes two operands".into()) };
        let Some(spec) = self.product(&a.view, &b.view, &to.view) else {
            let launch = kernels::matmul::general(&a.view, &b.view, &to.view, self.architecture())?;
            self.launch("mat_mul", launch, &[a, b], &[to]);
            return Ok(());
        };
        let own = kernels::matmul::matmul(&spec, self.architecture())?;
        self.push("mat_mul", Action::Library { op: LibraryOp::MatMul(spec), own }, &[a, b], &[to]);
        Ok(())
    }

    /// The product as a batch of matrices evenly apart, where it is one.
    fn product(&self, a: &View, b: &View, d: &View) -> Option<MatMul> {
        let axes = d.shape.len().checked_sub(2)?;
        let (m, n, k) = (d.shape[axes], d.shape[axes + 1], a.shape[axes + 1]);
        if !d.dtype.is_float() || k == 0 {
            return None;
        }
        let one = |view: &View| {
            let (leading, transposed) = matrix(&view.shape, &view.strides)?;
            let batch = collapse(&view.shape[..axes], &view.strides[..axes])?.unwrap_or(0);
            Some(Matrix { leading, transposed, batch })
        };
        let (x, y, z) = (one(a)?, one(b)?, one(d).filter(|d| !d.transposed)?);
        let size = d.dtype.size();
        let bytes =
            [a.offset, b.offset, d.offset, x.leading, y.leading, z.leading, x.batch, y.batch, z.batch];
        Some(MatMul {
            batch: d.shape[..axes].iter().product(),
            m,
            n,
            k,
            dtype: d.dtype,
            a: x,
            b: y,
            d: z,
            bias: false,
            epilogue: Epilogue::None,
            tf32: self.target.tf32,
            alignment: alignment(bytes.map(|elements| elements * size)),
        })
    }

    /// Scratch memory for a tensor with these strides, which fill it.
    pub(super) fn scratch_as(&self, ty: &TensorType, strides: Vec<usize>) -> Operand {
        let home = Home::Arena(self.bytes(ty.bytes()));
        Operand { view: View { dtype: ty.dtype, shape: ty.shape.clone(), strides, offset: 0 }, home }
    }
}

/// What every address and every distance between rows is a multiple of, in bytes.
fn apart(dtype: tintype_program::DType, operands: [&Operand; 3], leading: [usize; 3]) -> usize {
    let offsets = operands.iter().map(|operand| operand.view.offset);
    alignment(offsets.chain(leading).map(|elements| elements * dtype.size()))
}
