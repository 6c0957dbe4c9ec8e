//! Values, and what can be done with them. Each method records one operation, named as in [`crate::Op`].

use super::building::Building;
use super::list_types;
use crate::{
    Activation, Binary, DType, Error, GeluForm, Node, Op, PadMode, Pairing, Reduce, Result, TensorType,
    Unary, ValueId, broadcast_shapes, error::here, infer,
};
use std::panic::Location;
use std::rc::Rc;

/// A value of the block being traced: a type, and a place in the record. Holds no numbers.
#[derive(Clone)]
pub struct Value {
    building: Rc<Building>,
    id: ValueId,
    ty: Rc<TensorType>,
}

/// `parts` joined along `axis`. At least one part.
#[track_caller]
pub fn concat(parts: &[&Value], axis: usize) -> Result<Value> {
    let location = Location::caller();
    let Some(first) = parts.first() else {
        return Err(Error::Operands {
            op: "concat".into(),
            operands: "()".into(),
            reason: "there is nothing to join".into(),
            location: here(location),
        });
    };
    Value::record(&first.building, Op::Concat { axis }, parts, location)
}

impl Value {
    pub(super) fn new(building: Rc<Building>, id: ValueId, ty: TensorType) -> Self {
        Self { building, id, ty: Rc::new(ty) }
    }

    pub(super) fn id(&self) -> ValueId {
        self.id
    }

    /// Its type.
    pub fn ty(&self) -> &TensorType {
        &self.ty
    }

    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.ty.shape
    }

    /// Its element type.
    pub fn dtype(&self) -> DType {
        self.ty.dtype
    }

    pub(super) fn check_owner(&self, user: &Rc<Building>, location: impl FnOnce() -> String) -> Result<()> {
        if Rc::ptr_eq(&self.building, user) {
            return Ok(());
        }
        let (owner, user) = (self.building.name.clone(), user.name.clone());
        Err(Error::ForeignValue { owner, user, location: location() })
    }

    /// Records an operation with one result.
    pub(super) fn record(
        building: &Rc<Building>,
        op: Op,
        operands: &[&Value],
        location: &'static Location<'static>,
    ) -> Result<Value> {
        for value in operands {
            value.check_owner(building, || here(location))?;
        }
        let types: Vec<_> = operands.iter().map(|value| value.ty().clone()).collect();
        let refuse = |reason| Error::Operands {
            op: op.name().into(),
            operands: list_types(&types),
            reason,
            location: here(location),
        };
        let ty = match infer(&op, &types).map_err(refuse)?.pop() {
            Some(ty) => ty,
            None => return Err(refuse("it has no result".into())),
        };
        let mut block = building.block.borrow_mut();
        let id = block.push_value(ty.clone());
        block.nodes.push(Node { op, inputs: operands.iter().map(|v| v.id).collect(), outputs: vec![id] });
        Ok(Value::new(Rc::clone(building), id, ty))
    }

    #[track_caller]
    fn then(&self, op: Op, others: &[&Value]) -> Result<Value> {
        let operands: Vec<_> = std::iter::once(self).chain(others.iter().copied()).collect();
        Value::record(&self.building, op, &operands, Location::caller())
    }

    /// A function of each element.
    #[track_caller]
    pub fn unary(&self, function: Unary) -> Result<Value> {
        self.then(Op::Unary { function }, &[])
    }

    /// A function of each pair of elements, after both sides broadcast to a common shape.
    #[track_caller]
    pub fn binary(&self, function: Binary, other: &Value) -> Result<Value> {
        let op = Op::Binary { function };
        match broadcast_shapes(self.shape(), other.shape()) {
            Some(shape) => self.broadcast_to(&shape)?.then(op, &[&other.broadcast_to(&shape)?]),
            None => self.then(op, &[other]),
        }
    }

    /// A function of each element and a number, which is rounded to the value's dtype first.
    #[track_caller]
    pub fn binary_scalar(&self, function: Binary, other: f64) -> Result<Value> {
        let constant = Op::Constant { value: other, dtype: self.dtype() };
        let other = Value::record(&self.building, constant, &[], Location::caller())?;
        self.binary(function, &other)
    }

    /// The same shape in another dtype; itself where it has that dtype.
    #[track_caller]
    pub fn cast(&self, dtype: DType) -> Result<Value> {
        if dtype == self.dtype() { Ok(self.clone()) } else { self.then(Op::Cast { dtype }, &[]) }
    }

    /// Axes combined to extent 1.
    #[track_caller]
    pub fn reduce(&self, function: Reduce, axes: &[usize]) -> Result<Value> {
        self.then(Op::Reduce { function, axes: axes.to_vec() }, &[])
    }

    /// Another shape of as many elements; itself where it has that shape.
    #[track_caller]
    pub fn reshape(&self, shape: &[usize]) -> Result<Value> {
        if shape == self.shape() {
            Ok(self.clone())
        } else {
            self.then(Op::Reshape { shape: shape.to_vec() }, &[])
        }
    }

    /// Axes in another order: axis `i` of the result is axis `permutation[i]` of this.
    #[track_caller]
    pub fn transpose(&self, permutation: &[usize]) -> Result<Value> {
        self.then(Op::Transpose { permutation: permutation.to_vec() }, &[])
    }

    /// The indices `start..end` of one axis.
    #[track_caller]
    pub fn slice(&self, axis: usize, start: usize, end: usize) -> Result<Value> {
        let mut starts = vec![0; self.shape().len()];
        let mut ends = self.shape().to_vec();
        if let (Some(s), Some(e)) = (starts.get_mut(axis), ends.get_mut(axis)) {
            (*s, *e) = (start, end);
        } else {
            // An axis that is not there is left for inference to refuse, with its message.
            starts.push(axis);
        }
        let steps = vec![1; ends.len()];
        self.then(Op::Slice { starts, ends, steps }, &[])
    }

    /// `count` equal parts along an axis.
    #[track_caller]
    pub fn chunk(&self, axis: usize, count: usize) -> Result<Vec<Value>> {
        let extent = self.shape().get(axis).copied().unwrap_or(0);
        // A remainder makes the last range end past the axis, which inference refuses.
        let part = extent.div_ceil(count.max(1));
        let mut parts = Vec::with_capacity(count);
        for i in 0..count {
            parts.push(self.slice(axis, i * part, (i + 1) * part)?);
        }
        Ok(parts)
    }

    /// Extended at both ends of each axis.
    #[track_caller]
    pub fn pad(&self, before: &[usize], after: &[usize], mode: PadMode) -> Result<Value> {
        self.then(Op::Pad { before: before.to_vec(), after: after.to_vec(), mode }, &[])
    }

    /// Repeated to a larger shape; itself where it has that shape.
    #[track_caller]
    pub fn broadcast_to(&self, shape: &[usize]) -> Result<Value> {
        if shape == self.shape() {
            Ok(self.clone())
        } else {
            self.then(Op::Broadcast { shape: shape.to_vec() }, &[])
        }
    }

    /// The entries of this table along `axis` that `indices` (i32) name.
    #[track_caller]
    pub fn gather(&self, axis: usize, indices: &Value) -> Result<Value> {
        self.then(Op::Gather { axis }, &[indices])
    }

    /// The matrix product of the two innermost axes.
    #[track_caller]
    pub fn matmul(&self, other: &Value) -> Result<Value> {
        self.then(Op::MatMul, &[other])
    }

    /// A convolution with zero padding, equal on both sides, for as many spatial axes as `stride` has.
    #[track_caller]
    pub fn convolution(
        &self,
        weight: &Value,
        bias: Option<&Value>,
        stride: &[usize],
        padding: &[[usize; 2]],
    ) -> Result<Value> {
        let op = Op::Convolution {
            stride: stride.to_vec(),
            padding: padding.to_vec(),
            dilation: vec![1; stride.len()],
            groups: 1,
            mode: PadMode::Zero,
        };
        self.convolution_with(op, weight, bias)
    }

    /// A convolution with every attribute given; `op` is an [`Op::Convolution`].
    #[track_caller]
    pub fn convolution_with(&self, op: Op, weight: &Value, bias: Option<&Value>) -> Result<Value> {
        self.then(op, &[Some(weight), bias].into_iter().flatten().collect::<Vec<_>>())
    }

    /// The plain values of this encoded parameter.
    #[track_caller]
    pub fn decode(&self) -> Result<Value> {
        self.then(Op::Decode, &[])
    }

    /// `x weight^T + bias` over the innermost axis.
    #[track_caller]
    pub fn linear(&self, weight: &Value, bias: Option<&Value>) -> Result<Value> {
        let op = Op::Linear { activation: Activation::Keep };
        self.then(op, &[Some(weight), bias].into_iter().flatten().collect::<Vec<_>>())
    }

    /// Attention of this query over keys and values, all `[batch, heads, tokens, width]`.
    #[track_caller]
    pub fn attention(&self, key: &Value, value: &Value, mask: Option<&Value>, scale: f64) -> Result<Value> {
        let operands = [Some(key), Some(value), mask];
        self.then(Op::Attention { scale }, &operands.into_iter().flatten().collect::<Vec<_>>())
    }

    /// Exponentials over an axis divided by their sum.
    #[track_caller]
    pub fn softmax(&self, axis: usize) -> Result<Value> {
        self.then(Op::Softmax { axis }, &[])
    }

    /// Layer norm over the innermost axis; `affine` is weight and bias.
    #[track_caller]
    pub fn layer_norm(&self, affine: Option<(&Value, &Value)>, eps: f64) -> Result<Value> {
        self.then(Op::LayerNorm { eps }, &affine.map_or(vec![], |(weight, bias)| vec![weight, bias]))
    }

    /// Root-mean-square norm over the innermost axis.
    #[track_caller]
    pub fn rms_norm(&self, weight: Option<&Value>, eps: f64) -> Result<Value> {
        self.then(Op::RmsNorm { eps }, &weight.into_iter().collect::<Vec<_>>())
    }

    /// Group norm over channels (axis 1) and what follows; `affine` is weight and bias.
    #[track_caller]
    pub fn group_norm(&self, groups: usize, affine: Option<(&Value, &Value)>, eps: f64) -> Result<Value> {
        let op = Op::GroupNorm { groups, eps };
        self.then(op, &affine.map_or(vec![], |(weight, bias)| vec![weight, bias]))
    }

    /// Pairs of elements of each head turned by the angles whose cosines and sines are given, `f32[tokens, width]`.
    #[track_caller]
    pub fn rotary_embedding(&self, cos: &Value, sin: &Value, pairing: Pairing) -> Result<Value> {
        self.then(Op::RotaryEmbedding { pairing }, &[cos, sin])
    }

    /// The Gaussian error linear unit.
    #[track_caller]
    pub fn gelu(&self, form: GeluForm) -> Result<Value> {
        self.then(Op::Gelu { form }, &[])
    }

    /// `x / (1 + exp(-x))`.
    #[track_caller]
    pub fn silu(&self) -> Result<Value> {
        self.then(Op::Silu, &[])
    }

    /// Nearest-neighbour enlargement of each spatial axis of `[n, c, spatial...]`.
    #[track_caller]
    pub fn upsample(&self, factors: &[usize]) -> Result<Value> {
        self.then(Op::Upsample { factors: factors.to_vec() }, &[])
    }
}
