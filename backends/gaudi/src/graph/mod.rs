//! A Synapse graph as data: what becomes one recipe.

mod display;
mod params;

pub(crate) use params::Params;

use crate::sys::DataType;
use std::sync::Arc;
use tintype_program::DType;

/// The most dimensions that every node takes.
pub(crate) const MAX_RANK: usize = 5;

/// The most operands that a node is given, by `MAX_TENSOR_NR`.
pub(crate) const MAX_OPERANDS: usize = 16;

/// A tensor of a graph, by its place in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TensorId(pub(crate) usize);

/// Where a tensor lies.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Home {
    /// Where the graph compiler likes.
    Workspace,
    /// In the memory of an operand of the recipe, so many bytes from its start.
    Input {
        /// The operand's position.
        position: usize,
        /// Bytes from its start.
        offset: usize,
    },
    /// In the memory of a result of the recipe.
    Output {
        /// The result's position.
        position: usize,
    },
    /// In the recipe: known when it is compiled.
    Constant(Arc<[u8]>),
}

/// A tensor: row-major, its shape outermost first as everywhere in this project. The interface has it the other way
/// round; [`Tensor::sizes`] turns it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) dtype: DType,
    /// One to five extents, none of them 0.
    pub(crate) shape: Vec<usize>,
    pub(crate) home: Home,
}

impl Tensor {
    /// The extents as the interface has them: the innermost first.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = u64> {
        self.shape.iter().rev().map(|&extent| extent as u64)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.dtype.size()
    }

    /// The name of a tensor that lies in the caller's memory.
    pub(crate) fn name(&self) -> Option<String> {
        match self.home {
            Home::Input { position, offset: 0 } => Some(format!("input{position}")),
            Home::Input { position, offset } => Some(format!("input{position}_at{offset}")),
            Home::Output { position } => Some(format!("output{position}")),
            Home::Workspace | Home::Constant(_) => None,
        }
    }
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) guid: String,
    /// Operands; absent ones are `None`.
    pub(crate) inputs: Vec<Option<TensorId>>,
    pub(crate) outputs: Vec<TensorId>,
    pub(crate) params: Params,
    /// The order of dimensions of each operand and result, where it matters.
    pub(crate) layouts: Option<Layouts>,
}

/// Orders of dimensions, innermost first; empty where it does not matter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layouts {
    pub(crate) inputs: Vec<&'static str>,
    pub(crate) outputs: Vec<&'static str>,
}

/// A graph.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Graph {
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) nodes: Vec<Node>,
    /// Names of nodes that are kernels of others, each once.
    pub(crate) kernels: Vec<String>,
}

/// The suffix of a node's name for a type.
pub(crate) fn suffix(dtype: DType) -> &'static str {
    dtype.name()
}

/// The interface's number for a type.
pub(crate) fn data_type(dtype: DType) -> DataType {
    match dtype {
        DType::F32 => DataType::F32,
        DType::F16 => DataType::F16,
        DType::Bf16 => DataType::BF16,
        DType::I32 => DataType::I32,
        DType::U8 => DataType::U8,
    }
}
