//! What a plugin would do with each operation of a Program, before it is compiled.

use crate::{Error, Result};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use tintype_program::{Block, Node, Program};

/// What a plugin does with an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// It has it.
    Native,
    /// It runs the decomposition.
    Decomposed,
    /// It cannot run it, and says why.
    Unsupported(String),
}

/// One operation.
#[derive(Clone, Debug, Serialize)]
pub struct OpCoverage {
    /// The block's name.
    pub block: String,
    /// The operation's place in the block.
    pub node: usize,
    /// The operation's name.
    pub op: String,
    /// Its operands' types.
    pub operands: String,
    /// What becomes of it.
    pub support: Support,
}

/// Every operation of a Program.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Coverage {
    /// One entry an operation, blocks in their order.
    pub ops: Vec<OpCoverage>,
}

impl Coverage {
    /// What `support` says of every operation of a checked Program.
    pub fn of(program: &Program, support: impl Fn(&Block, &Node) -> Support) -> Self {
        let mut ops = Vec::new();
        for block in &program.blocks {
            ops.extend(block.nodes.iter().enumerate().map(|(index, node)| OpCoverage {
                block: block.name.clone(),
                node: index,
                op: node.op.name().into(),
                operands: operands(block, node),
                support: support(block, node),
            }));
        }
        Self { ops }
    }

    /// Nothing, where every operation can be run.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`], of the first that cannot.
    pub fn refuse_unsupported(&self, backend: &str) -> Result<()> {
        for op in &self.ops {
            if let Support::Unsupported(reason) = &op.support {
                return Err(Error::Unsupported {
                    backend: backend.into(),
                    block: op.block.clone(),
                    op: op.op.as_str().into(),
                    operands: op.operands.clone(),
                    reason: reason.clone(),
                });
            }
        }
        Ok(())
    }

    /// The operations that the plugin cannot run.
    pub fn unsupported(&self) -> impl Iterator<Item = &OpCoverage> {
        self.ops.iter().filter(|op| matches!(op.support, Support::Unsupported(_)))
    }
}

impl fmt::Display for Coverage {
    /// A line for each kind of operation: how many native, decomposed, unsupported.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
        for op in &self.ops {
            let column = match op.support {
                Support::Native => 0,
                Support::Decomposed => 1,
                Support::Unsupported(_) => 2,
            };
            counts.entry(&op.op).or_default()[column] += 1;
        }
        writeln!(f, "{:24} {:>7} {:>11} {:>12}", "operation", "native", "decomposed", "unsupported")?;
        for (op, [native, decomposed, unsupported]) in counts {
            writeln!(f, "{op:24} {native:>7} {decomposed:>11} {unsupported:>12}")?;
        }
        Ok(())
    }
}

impl Error {
    /// The error of a plugin that cannot compile a block's node; past the last node, its outputs.
    pub fn unsupported(backend: &str, block: &Block, node: usize, reason: String) -> Self {
        let node = block.nodes.get(node);
        Error::Unsupported {
            backend: backend.into(),
            block: block.name.clone(),
            op: node.map_or("output", |node| node.op.name()).into(),
            operands: node.map_or_else(String::new, |node| operands(block, node)),
            reason,
        }
    }
}

/// The operands' types, as messages list them.
fn operands(block: &Block, node: &Node) -> String {
    let types: Vec<_> = node.inputs.iter().map(|&value| block.ty(value).to_string()).collect();
    format!("({})", types.join(", "))
}
