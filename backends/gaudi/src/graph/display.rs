//! Graphs as text, for people and for comparing.

use super::{Graph, Home, TensorId};
use std::fmt;

impl fmt::Display for Graph {
    /// A line a node.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let inputs: Vec<_> =
                node.inputs.iter().map(|id| id.map_or("-".into(), |id| self.tensor(id))).collect();
            let outputs: Vec<_> = node.outputs.iter().map(|&id| self.tensor(id)).collect();
            writeln!(f, "  {:32} {} -> {}", node.guid, inputs.join(", "), outputs.join(", "))?;
        }
        Ok(())
    }
}

impl Graph {
    fn tensor(&self, id: TensorId) -> String {
        let Some(tensor) = self.tensors.get(id.0) else { return "?".into() };
        let name = match &tensor.home {
            Home::Constant(_) => "constant".into(),
            _ => tensor.name().unwrap_or_else(|| format!("t{}", id.0)),
        };
        format!("{name} {}{:?}", tensor.dtype, tensor.shape)
    }
}
