//! Blocks: pieces of a Program that are traced once, hashed once and compiled once.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::{Encoding, Op, TensorType};
use serde::{Deserialize, Serialize};

/// A value within one block: an index into [`Block::values`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ValueId(pub u32);

/// A block within one Program: an index into [`crate::Program::blocks`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlockId(pub u32);

impl ValueId {
    /// The index into [`Block::values`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl BlockId {
    /// The index into [`crate::Program::blocks`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A list of operations in static single assignment form, in an order that defines every value before its use.
///
/// Names are for people, and for binding at the Program's entry. Within a Program blocks are tied by position, so
/// the same block called under another prefix is the same block, with the same hash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Block {
    /// What the block is called in messages and plans.
    pub name: String,
    /// The type of every value.
    pub values: Vec<TensorType>,
    /// Values given at each run.
    pub inputs: Vec<Port>,
    /// Values bound before the first run.
    pub params: Vec<Param>,
    /// Buffers of the caller that are read and written in place. Only a Program's entry has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<State>,
    /// Values handed back.
    pub outputs: Vec<Port>,
    /// The operations.
    pub nodes: Vec<Node>,
}

/// A named value on a block's rim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Port {
    /// The name.
    pub name: String,
    /// The value.
    pub value: ValueId,
}

/// A parameter: a weight, bound before the first run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Param {
    /// The name, within the block's own scope.
    pub name: String,
    /// The value.
    pub value: ValueId,
    /// How its elements are stored.
    #[serde(default, skip_serializing_if = "Encoding::is_plain")]
    pub encoding: Encoding,
}

/// A state: its content when a run starts, and when it ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The name.
    pub name: String,
    /// The content when the run starts.
    pub value: ValueId,
    /// The content when the run ends; the same value where the run leaves the state as it is.
    pub next: ValueId,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The operation and its attributes.
    #[serde(flatten)]
    pub op: Op,
    /// Its operands.
    pub inputs: Vec<ValueId>,
    /// Its results.
    pub outputs: Vec<ValueId>,
}

impl Block {
    /// The type of a value.
    ///
    /// # Panics
    /// Where `value` is none of this block's; a Program that passed [`crate::Program::check`] holds no such value.
    #[allow(clippy::indexing_slicing, reason = "values of a Program that was read are checked first")]
    pub fn ty(&self, value: ValueId) -> &TensorType {
        &self.values[value.index()]
    }

    /// The values that a call hands over: inputs, then parameters.
    pub fn arguments(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.inputs.iter().map(|port| port.value).chain(self.params.iter().map(|param| param.value))
    }

    /// The values that hold when the block ends: outputs, then what states become.
    pub fn results(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.outputs.iter().map(|port| port.value).chain(self.states.iter().map(|state| state.next))
    }

    /// Which values, by index, lead to a result.
    pub fn used_values(&self) -> Vec<bool> {
        let mut used = vec![false; self.values.len()];
        let mark = |value: ValueId, used: &mut [bool]| {
            if let Some(slot) = used.get_mut(value.index()) {
                *slot = true;
            }
        };
        self.results().for_each(|value| mark(value, &mut used));
        for node in self.nodes.iter().rev() {
            if node.outputs.iter().any(|value| used.get(value.index()) == Some(&true)) {
                node.inputs.iter().for_each(|&value| mark(value, &mut used));
            }
        }
        used
    }

    /// The encoding of a value: plain unless it is an encoded parameter.
    pub fn encoding(&self, value: ValueId) -> &Encoding {
        const PLAIN: &Encoding = &Encoding::Plain;
        self.params.iter().find(|param| param.value == value).map_or(PLAIN, |param| &param.encoding)
    }

    /// Adds a value and returns its id.
    pub fn push_value(&mut self, ty: TensorType) -> ValueId {
        let id = ValueId(self.values.len() as u32);
        self.values.push(ty);
        id
    }
}
