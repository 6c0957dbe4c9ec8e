//! Attention and convolution: to a library where it takes them, else to kernels of this crate.

use super::layouts::channels_last;
use super::{Lowering, Operand};
use crate::plan::Action;
use crate::{Attention, Convolution, LibraryOp, Mask, View, kernels};
use tintype_program::{DType, Node, Op, PadMode, TensorType};

impl Lowering<'_> {
    /// `softmax(scale q k^T + mask) v`.
    pub(super) fn attention(&mut self, node: &Node, scale: f64, to: &Operand) -> Result<(), String> {
        let mut reads = self.operands(&node.inputs)?;
        for operand in reads.iter_mut().take(3) {
            let view = &operand.view;
            if view.strides.last() != Some(&1) && view.shape.last() != Some(&1) {
                *operand = self.packed(operand.clone())?;
            }
        }
        let [q, k, v, mask @ ..] = &reads[..] else { return Err("it takes three or four operands".into()) };
        let (&[batch, heads, queries, depth], &[_, _, keys, _], &[_, _, _, value_depth]) =
            (&q.view.shape[..], &k.view.shape[..], &v.view.shape[..])
        else {
            return Err("its operands have four axes".into());
        };
        let outer = |operand: &Operand| -> Result<[usize; 3], String> {
            let strides = operand.view.strides.get(..3).and_then(|outer| outer.try_into().ok());
            strides.ok_or_else(|| "its operands have four axes".into())
        };
        let mask = match mask.first() {
            Some(mask) => {
                let whole = [batch, heads, queries, keys];
                let mut strides = [0; 4];
                for (axis, stride) in strides.iter_mut().enumerate() {
                    let repeats = mask.view.shape.get(axis) == Some(&1) && whole[axis] != 1;
                    *stride = if repeats {
                        0
                    } else {
                        *mask.view.strides.get(axis).ok_or("a mask has four axes")?
                    };
                }
                Some(Mask { dtype: mask.view.dtype, strides })
            }
            None => None,
        };
        let op = Attention {
            batch,
            heads,
            queries,
            keys,
            depth,
            value_depth,
            dtype: to.view.dtype,
            q: outer(q)?,
            k: outer(k)?,
            v: outer(v)?,
            o: outer(to)?,
            scale: (scale as f32).to_bits(),
            mask,
        };
        let own = kernels::attention::attention(&op, self.architecture())?;
        // Libraries load 16 bytes at a time.
        let aligned = reads.iter().take(3).chain([to]).all(is_aligned);
        let action = match aligned {
            true => Action::Library { op: LibraryOp::Attention(op), own },
            false => Action::Launch(own),
        };
        self.push("attention", action, &reads.iter().collect::<Vec<_>>(), &[to]);
        Ok(())
    }

    /// A cross-correlation; over two axes channels last.
    pub(super) fn convolution(&mut self, node: &Node, to: &Operand) -> Result<(), String> {
        let reads = self.operands(&node.inputs)?;
        let [x, weight, bias @ ..] = &reads[..] else { return Err("it takes two or three operands".into()) };
        let Some(op) = described(&node.op, x, weight, to, !bias.is_empty(), self.target.tf32) else {
            let bias_view = bias.first().map(|bias| &bias.view);
            let launch = kernels::convolution::direct(
                &node.op,
                &x.view,
                &weight.view,
                bias_view,
                &to.view,
                self.architecture(),
            )?;
            self.launch("convolution", launch, &reads.iter().collect::<Vec<_>>(), &[to]);
            return Ok(());
        };
        let x = self.channels_last(x)?;
        let weight = self.channels_last(weight)?;
        let bias = bias.first().map(|bias| self.packed(bias.clone())).transpose()?;
        let own = kernels::convolution::convolution(&op, self.architecture())?;
        let action = Action::Library { op: LibraryOp::Convolution(op), own };
        let reads: Vec<&Operand> = [&x, &weight].into_iter().chain(&bias).collect();
        if lies_channels_last(to) && is_aligned(to) {
            self.push("convolution", action, &reads, &[to]);
            return Ok(());
        }
        let made = self.picture(to)?;
        self.push("convolution", action, &reads, &[&made]);
        self.copy(&made, to)
    }

    /// A tensor of four axes with the second innermost: itself if it lies so, else a copy.
    pub(super) fn channels_last(&mut self, from: &Operand) -> Result<Operand, String> {
        if lies_channels_last(from) && is_aligned(from) {
            return Ok(from.clone());
        }
        let to = self.picture(from)?;
        self.copy(from, &to)?;
        Ok(to)
    }

    /// Scratch memory for a tensor as large as another, channels last.
    fn picture(&self, like: &Operand) -> Result<Operand, String> {
        let layout = channels_last(&like.view.shape).ok_or("a picture has four axes")?;
        let ty = TensorType::new(like.view.dtype, like.view.shape.clone());
        Ok(self.scratch_as(&ty, layout.strides))
    }
}

/// Whether the first element lies at a multiple of 16 bytes.
pub(super) fn is_aligned(operand: &Operand) -> bool {
    (operand.view.offset * operand.view.dtype.size()).is_multiple_of(16)
}

/// The convolution as libraries take it: two spatial axes, floating point, zeros outside.
fn described(
    op: &Op,
    x: &Operand,
    weight: &Operand,
    to: &Operand,
    bias: bool,
    tf32: bool,
) -> Option<Convolution> {
    let Op::Convolution { stride, padding, dilation, groups, mode: PadMode::Zero } = op else { return None };
    let (&[batch, channels, h, w], &[outputs, _, kh, kw]) = (&x.view.shape[..], &weight.view.shape[..])
    else {
        return None;
    };
    let float = matches!(to.view.dtype, DType::F32 | DType::Bf16 | DType::F16);
    float.then_some(())?;
    Some(Convolution {
        batch,
        input: [h, w],
        channels,
        outputs,
        kernel: [kh, kw],
        stride: stride[..].try_into().ok()?,
        padding: padding[..].try_into().ok()?,
        dilation: dilation[..].try_into().ok()?,
        groups: *groups,
        dtype: to.view.dtype,
        bias,
        tf32,
    })
}

/// Whether the elements lie one after another with the second axis innermost.
fn lies_channels_last(operand: &Operand) -> bool {
    let View { shape, strides, .. } = &operand.view;
    channels_last(shape).is_some_and(|layout| {
        shape.iter().zip(strides).zip(&layout.strides).all(|((&extent, a), b)| extent == 1 || a == b)
    })
}
