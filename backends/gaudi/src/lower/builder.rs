//! A graph in the making.

use crate::graph::{Graph, Home, Layouts, MAX_RANK, Node, Params, Tensor, TensorId, suffix};
use std::collections::HashMap;
use std::sync::Arc;
use tintype_program::{DType, Encoding, TensorType};

/// Where a value is.
#[derive(Clone, Debug)]
pub(super) enum Laid {
    /// It has no elements.
    Empty,
    /// In a tensor, in row-major order, whatever the tensor's own shape.
    Tensor(TensorId),
    /// Repeated: a tensor, its shape with as many axes as the value, 1 where it is repeated, and the value's.
    Repeated { id: TensorId, small: Vec<usize>, to: Vec<usize> },
    /// An operand of the recipe that no node has read yet.
    Argument { position: usize, ty: TensorType },
    /// An encoded parameter.
    Encoded { position: usize, ty: TensorType, encoding: Encoding },
}

/// A graph in the making.
#[derive(Default)]
pub(super) struct Builder {
    pub(super) graph: Graph,
    arguments: HashMap<usize, TensorId>,
    reshaped: HashMap<(TensorId, Vec<usize>), TensorId>,
    constants: HashMap<(DType, Vec<usize>, Vec<u8>), TensorId>,
}

/// A shape that a tensor may have: from one to five axes.
pub(super) fn flat(shape: &[usize]) -> Vec<usize> {
    match shape.len() {
        0 => vec![1],
        rank if rank <= MAX_RANK => shape.to_vec(),
        rank => {
            let (outer, inner) = shape.split_at(rank + 1 - MAX_RANK);
            std::iter::once(outer.iter().product()).chain(inner.iter().copied()).collect()
        }
    }
}

/// A shape as `[outer, axis, inner]`.
pub(super) fn around(shape: &[usize], axis: usize) -> [usize; 3] {
    let outer = shape.iter().take(axis).product();
    let inner = shape.iter().skip(axis + 1).product();
    [outer, shape.get(axis).copied().unwrap_or(1), inner]
}

impl Builder {
    /// An operand of the recipe.
    pub(super) fn argument(&mut self, position: usize, ty: &TensorType, encoding: &Encoding) -> Laid {
        match encoding {
            _ if ty.elements() == 0 => Laid::Empty,
            Encoding::Plain => Laid::Argument { position, ty: ty.clone() },
            encoding => Laid::Encoded { position, ty: ty.clone(), encoding: encoding.clone() },
        }
    }

    /// Has a value in the memory of a result.
    pub(super) fn result(&mut self, position: usize, laid: &Laid, ty: &TensorType) -> Result<(), String> {
        if ty.elements() == 0 {
            return Ok(());
        }
        let id = self.read(laid, &flat(&ty.shape), ty.dtype)?;
        match self.graph.tensors.get_mut(id.0) {
            Some(tensor) if tensor.home == Home::Workspace => tensor.home = Home::Output { position },
            _ => {
                let to = self.tensor(ty.dtype, &flat(&ty.shape), Home::Output { position });
                self.push("identity", vec![Some(id)], vec![to], Params::default(), None);
            }
        }
        Ok(())
    }

    pub(super) fn tensor(&mut self, dtype: DType, shape: &[usize], home: Home) -> TensorId {
        let id = TensorId(self.graph.tensors.len());
        self.graph.tensors.push(Tensor { dtype, shape: shape.to_vec(), home });
        id
    }

    pub(super) fn shape(&self, id: TensorId) -> &[usize] {
        self.graph.tensors.get(id.0).map_or(&[], |tensor| &tensor.shape)
    }

    /// A part of an operand's memory.
    pub(super) fn part(&mut self, position: usize, offset: usize, dtype: DType, shape: &[usize]) -> TensorId {
        let home = Home::Input { position, offset };
        let known = self.graph.tensors.iter();
        let known = known.enumerate().find(|(_, t)| t.home == home && t.dtype == dtype && t.shape == shape);
        match known.map(|(id, _)| TensorId(id)) {
            Some(id) => id,
            None => self.tensor(dtype, shape, home),
        }
    }

    /// Elements that are known now.
    pub(super) fn known(&mut self, dtype: DType, shape: &[usize], bytes: Vec<u8>) -> TensorId {
        let key = (dtype, shape.to_vec(), bytes);
        if let Some(&id) = self.constants.get(&key) {
            return id;
        }
        let id = self.tensor(dtype, shape, Home::Constant(Arc::from(key.2.as_slice())));
        self.constants.insert(key, id);
        id
    }

    /// A value as a tensor of this shape, which has as many elements.
    pub(super) fn read(&mut self, laid: &Laid, shape: &[usize], dtype: DType) -> Result<TensorId, String> {
        let id = match laid {
            Laid::Tensor(id) => *id,
            Laid::Argument { position, ty } => match self.arguments.get(position) {
                Some(&id) => id,
                None => {
                    let home = Home::Input { position: *position, offset: 0 };
                    let id = self.tensor(ty.dtype, &flat(&ty.shape), home);
                    self.arguments.insert(*position, id);
                    id
                }
            },
            Laid::Repeated { id, small, to } => super::movement::repeat(self, *id, small, to, dtype)?,
            Laid::Empty => return Err("it reads a value without elements".into()),
            Laid::Encoded { .. } => return Err("it reads an encoded parameter; decode it first".into()),
        };
        Ok(self.reshape(id, shape))
    }

    /// A tensor in another shape of as many elements.
    pub(super) fn reshape(&mut self, id: TensorId, shape: &[usize]) -> TensorId {
        if self.shape(id) == shape {
            return id;
        }
        if let Some(&known) = self.reshaped.get(&(id, shape.to_vec())) {
            return known;
        }
        let dtype = self.graph.tensors.get(id.0).map_or(DType::F32, |tensor| tensor.dtype);
        let to = self.node("reshape", &[id], dtype, shape, Params::default());
        self.reshaped.insert((id, shape.to_vec()), to);
        to
    }

    /// A node with one result.
    pub(super) fn node(
        &mut self,
        guid: &str,
        inputs: &[TensorId],
        dtype: DType,
        shape: &[usize],
        params: Params,
    ) -> TensorId {
        let to = self.tensor(dtype, shape, Home::Workspace);
        self.push(guid, inputs.iter().copied().map(Some).collect(), vec![to], params, None);
        to
    }

    /// A node with one result, named for a type.
    pub(super) fn typed(
        &mut self,
        base: &str,
        inputs: &[TensorId],
        dtype: DType,
        shape: &[usize],
        params: Params,
    ) -> TensorId {
        self.node(&format!("{base}_{}", suffix(dtype)), inputs, dtype, shape, params)
    }

    /// Any node.
    pub(super) fn push(
        &mut self,
        guid: &str,
        inputs: Vec<Option<TensorId>>,
        outputs: Vec<TensorId>,
        params: Params,
        layouts: Option<Layouts>,
    ) {
        self.graph.nodes.push(Node { guid: guid.into(), inputs, outputs, params, layouts });
    }

    /// A tensor in another type.
    pub(super) fn cast(&mut self, id: TensorId, from: DType, to: DType) -> TensorId {
        if from == to {
            return id;
        }
        let shape = self.shape(id).to_vec();
        let params = Params::cast(from.is_float() && !to.is_float());
        self.node(&format!("cast_{}_to_{}", suffix(from), suffix(to)), &[id], to, &shape, params)
    }

    /// Zeros.
    pub(super) fn zeros(&mut self, dtype: DType, shape: &[usize]) -> TensorId {
        self.node("memset", &[], dtype, shape, Params::default())
    }
}
