//! Graphs while they are built: tensors, sections and nodes.

mod compile;
mod node;
mod order;
mod plan;
mod tensor;

use std::collections::HashMap;

pub use compile::compile;
pub use node::{Node, create};
pub use tensor::{Section, Tensor};

use crate::state::Handle;

/// A graph being built.
pub struct Graph {
    pub kind: i32,
    /// Its tensors in the order of creation.
    pub tensors: Vec<Handle>,
    pub sections: Vec<Handle>,
    pub names: HashMap<String, Handle>,
    pub nodes: Vec<Node>,
    /// Pairs of node ids: the first runs before the second.
    pub dependencies: Vec<(u64, u64)>,
    pub attributes: HashMap<i32, u64>,
}

impl Graph {
    pub fn new(kind: i32) -> Graph {
        Graph {
            kind,
            tensors: Vec::new(),
            sections: Vec::new(),
            names: HashMap::new(),
            nodes: Vec::new(),
            dependencies: Vec::new(),
            attributes: HashMap::new(),
        }
    }
}
