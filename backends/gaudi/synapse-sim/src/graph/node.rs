//! Adding nodes to a graph: what the runtime looks at before it compiles.

use crate::abi::{NODE_DIM_MAX, Outcome, Status, fault};
use crate::nodes;
use crate::state::{Handle, State};

/// A node of a graph.
pub struct Node {
    pub id: u64,
    pub guid: String,
    pub name: String,
    pub inputs: Vec<Option<Handle>>,
    pub outputs: Vec<Option<Handle>>,
    pub params: Vec<u8>,
    pub input_layouts: Vec<String>,
    pub output_layouts: Vec<String>,
    pub deterministic: bool,
    pub rounding: i32,
}

/// Names the graph compiler keeps to itself (section 5, synNodeCreate; the list there is not complete).
const INTERNAL: &[&str] = &[
    "memcpy_dma",
    "tensor_view",
    "reduction",
    "transpose_dma",
    "transpose_mme",
    "transpose_logic",
    "split_internal",
    "concat_internal",
];

/// Checks a node and adds it. An unknown name passes here: only the compiler finds it.
pub fn create(state: &mut State, graph: Handle, mut node: Node) -> Outcome<u64> {
    state.graph(graph)?;
    node.guid = node.guid.to_lowercase();
    if INTERNAL.contains(&node.guid.as_str()) {
        return fault(Status::FAIL, format!("{} is internal to the compiler", node.guid));
    }
    let many = nodes::find(&node.guid).is_some_and(|found| found.kind.many_dimensions);
    for &handle in node.inputs.iter().chain(&node.outputs).flatten() {
        let tensor = state.tensor(handle)?;
        if tensor.graph != graph {
            return fault(Status::INVALID_ARGUMENT, format!("tensor {handle:#x} is of another graph"));
        }
        let label = tensor.name.clone().unwrap_or_else(|| format!("{handle:#x}"));
        let rank = tensor.sizes.as_ref().map_or(0, Vec::len);
        if rank > NODE_DIM_MAX && !many {
            return fault(
                Status::INVALID_TENSOR_DIMENSIONS,
                format!("{}: tensor {label} has {rank} dimensions", node.guid),
            );
        }
        let (section, data) = (tensor.section, tensor.data.is_some());
        if let Some((section, _)) = section {
            if tensor.name.is_none() || tensor.sizes.is_none() || tensor.dtype.is_none() {
                return fault(
                    Status::INVALID_ARGUMENT,
                    format!("persistent tensor {label} needs name, geometry and type"),
                );
            }
            if data && !state.section(section)?.constant {
                return fault(
                    Status::INVALID_ARGUMENT,
                    format!("tensor {label} has host data in a section that is not constant"),
                );
            }
        }
        state.tensor(handle)?.locked = true;
    }
    let id = state.handle();
    node.id = id;
    state.graph(graph)?.nodes.push(node);
    Ok(id)
}
