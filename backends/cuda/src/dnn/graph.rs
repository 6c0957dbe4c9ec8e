//! Graphs of operations, as cuDNN takes them.

use super::descriptor::Descriptor;
use super::table::{Object, Table};
use super::tensor::{ALIGNMENT, FLOAT, HOST, Place, Shape, Tensor, VIRTUAL, id};
use super::values::{attribute, kind, of};
use std::sync::Arc;

/// Operations and the tensors between them.
pub(super) struct Graph {
    table: Arc<Table>,
    /// Tensors and parameters that the operations point to.
    parts: Vec<Descriptor>,
    operations: Vec<Descriptor>,
    ids: i64,
}

impl Graph {
    pub(super) fn new(table: &Arc<Table>) -> Self {
        Self { table: table.clone(), parts: Vec::new(), operations: Vec::new(), ids: VIRTUAL }
    }

    /// Adds a tensor.
    pub(super) fn tensor(&mut self, shape: Shape, dtype: i32, place: Place) -> Result<Tensor, String> {
        let long = |values: [usize; 4]| -> Result<[i64; 4], String> {
            let mut out = [0; 4];
            for (to, from) in out.iter_mut().zip(values) {
                *to = i64::try_from(from).map_err(|_| format!("cuDNN does not count to {from}"))?;
            }
            Ok(out)
        };
        let tensor = Descriptor::new(&self.table, kind::TENSOR)?;
        tensor.set(attribute::TENSOR_TYPE, of::DATA_TYPE, &[dtype])?;
        tensor.set(attribute::TENSOR_DIMENSIONS, of::I64, &long(shape.extents)?)?;
        tensor.set(attribute::TENSOR_STRIDES, of::I64, &long(shape.strides)?)?;
        tensor.set(attribute::TENSOR_ALIGNMENT, of::I64, &[ALIGNMENT])?;
        let unique = match place {
            Place::Address(number) => id(number),
            Place::Host => {
                tensor.set(attribute::TENSOR_BY_VALUE, of::BOOLEAN, &[true])?;
                HOST
            }
            Place::Virtual => {
                tensor.set(attribute::TENSOR_VIRTUAL, of::BOOLEAN, &[true])?;
                self.ids += 1;
                self.ids
            }
        };
        tensor.set(attribute::TENSOR_ID, of::I64, &[unique])?;
        Ok(Tensor(self.keep(tensor.finalize("describing a tensor")?)))
    }

    /// Adds an f32 tensor that is never stored.
    pub(super) fn inside(&mut self, extents: [usize; 4]) -> Result<Tensor, String> {
        self.tensor(Shape::packed(extents), FLOAT, Place::Virtual)
    }

    /// `y = mode(x)`, or `mode(x, b)`.
    pub(super) fn pointwise(
        &mut self,
        mode: i32,
        x: Tensor,
        b: Option<Tensor>,
        y: Tensor,
    ) -> Result<Tensor, String> {
        let how = Descriptor::new(&self.table, kind::POINTWISE)?;
        how.set(attribute::POINTWISE_MODE, of::POINTWISE_MODE, &[mode])?;
        how.set(attribute::POINTWISE_PRECISION, of::DATA_TYPE, &[FLOAT])?;
        let how = self.keep(how.finalize("describing a pointwise operation")?);
        let mut tensors = vec![(attribute::POINTWISE, how), (attribute::POINTWISE_X, x.0)];
        tensors.extend(b.map(|b| (attribute::POINTWISE_B, b.0)));
        tensors.push((attribute::POINTWISE_Y, y.0));
        self.operation(kind::POINTWISE_OPERATION, &tensors)?;
        Ok(y)
    }

    /// `c = a b` over the last two axes.
    pub(super) fn matmul(&mut self, a: Tensor, b: Tensor, c: Tensor) -> Result<Tensor, String> {
        let how = Descriptor::new(&self.table, kind::MATMUL)?;
        how.set(attribute::MATMUL_PRECISION, of::DATA_TYPE, &[FLOAT])?;
        let how = self.keep(how.finalize("describing a product")?);
        let tensors = [
            (attribute::MATMUL_A, a.0),
            (attribute::MATMUL_B, b.0),
            (attribute::MATMUL_C, c.0),
            (attribute::MATMUL, how),
        ];
        self.operation(kind::MATMUL_OPERATION, &tensors)?;
        Ok(c)
    }

    /// `y = operator(x)` over the axes that `y` has one of.
    pub(super) fn reduce(&mut self, operator: i32, x: Tensor, y: Tensor) -> Result<Tensor, String> {
        let how = Descriptor::new(&self.table, kind::REDUCTION)?;
        how.set(attribute::REDUCTION_OPERATOR, of::REDUCTION, &[operator])?;
        how.set(attribute::REDUCTION_PRECISION, of::DATA_TYPE, &[FLOAT])?;
        let how = self.keep(how.finalize("describing a reduction")?);
        let tensors =
            [(attribute::REDUCTION_X, x.0), (attribute::REDUCTION_Y, y.0), (attribute::REDUCTION, how)];
        self.operation(kind::REDUCTION_OPERATION, &tensors)?;
        Ok(y)
    }

    /// Attention in one operation, with the scale on the host.
    pub(super) fn attention(&mut self, [q, k, v, o]: [Tensor; 4], scale: Tensor) -> Result<(), String> {
        let tensors = [
            (attribute::ATTENTION_Q, q.0),
            (attribute::ATTENTION_K, k.0),
            (attribute::ATTENTION_V, v.0),
            (attribute::ATTENTION_O, o.0),
            (attribute::ATTENTION_SCALE, scale.0),
        ];
        self.operation(kind::ATTENTION, &tensors)
    }

    /// A convolution, described by `how`.
    pub(super) fn convolution(
        &mut self,
        how: Descriptor,
        x: Tensor,
        weight: Tensor,
        y: Tensor,
    ) -> Result<(), String> {
        let how = self.keep(how);
        let operation = Descriptor::new(&self.table, kind::CONVOLUTION_FORWARD)?;
        operation.set(attribute::FORWARD_ALPHA, of::F32, &[1f32])?;
        operation.set(attribute::FORWARD_BETA, of::F32, &[0f32])?;
        operation.point(attribute::FORWARD_CONVOLUTION, &[how])?;
        operation.point(attribute::FORWARD_WEIGHT, &[weight.0])?;
        operation.point(attribute::FORWARD_X, &[x.0])?;
        operation.point(attribute::FORWARD_Y, &[y.0])?;
        self.operations.push(operation.finalize("describing a convolution")?);
        Ok(())
    }

    /// The operations as one descriptor; `handle` where there is one.
    pub(super) fn finish(&self, handle: Option<Object>) -> Result<Descriptor, String> {
        let graph = Descriptor::new(&self.table, kind::GRAPH)?;
        let operations: Vec<Object> = self.operations.iter().map(Descriptor::object).collect();
        graph.point(attribute::GRAPH_OPERATIONS, &operations)?;
        if let Some(handle) = handle {
            graph.set(attribute::GRAPH_HANDLE, of::HANDLE, &[handle])?;
        }
        graph.finalize("making a graph")
    }

    fn operation(&mut self, kind: i32, tensors: &[(i32, Object)]) -> Result<(), String> {
        let operation = Descriptor::new(&self.table, kind)?;
        for (attribute, tensor) in tensors {
            operation.point(*attribute, &[*tensor])?;
        }
        self.operations.push(operation.finalize("describing an operation")?);
        Ok(())
    }

    fn keep(&mut self, part: Descriptor) -> Object {
        let object = part.object();
        self.parts.push(part);
        object
    }
}
