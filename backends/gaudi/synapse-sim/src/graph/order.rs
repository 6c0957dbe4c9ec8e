//! The order nodes run in: by data and by declared dependencies, otherwise as they were created.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::Graph;
use crate::abi::{Outcome, Status, fault};

/// Indices of the graph's nodes in the order they run.
pub fn order(graph: &Graph) -> Outcome<Vec<usize>> {
    let mut producer = HashMap::new();
    let mut index_of = HashMap::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        index_of.insert(node.id, index);
        for &output in node.outputs.iter().flatten() {
            if producer.insert(output, index).is_some() {
                return fault(Status::FAIL, format!("{}: an output that another node writes too", node.guid));
            }
        }
    }
    let mut after = vec![Vec::new(); graph.nodes.len()];
    let mut before = vec![0usize; graph.nodes.len()];
    let mut edge = |first: usize, second: usize| {
        after[first].push(second);
        before[second] += 1;
    };
    for (index, node) in graph.nodes.iter().enumerate() {
        for input in node.inputs.iter().flatten() {
            if let Some(&from) = producer.get(input) {
                edge(from, index);
            }
        }
    }
    for (first, second) in &graph.dependencies {
        if let (Some(&first), Some(&second)) = (index_of.get(first), index_of.get(second)) {
            edge(first, second);
        }
    }
    let mut ready: BinaryHeap<Reverse<usize>> =
        (0..before.len()).filter(|&index| before[index] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(before.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for &next in &after[index] {
            before[next] -= 1;
            if before[next] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    if order.len() != graph.nodes.len() {
        return fault(Status::FAIL, "the graph has a cycle");
    }
    Ok(order)
}
