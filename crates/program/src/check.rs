//! The rules of the format.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::trace::list_types;
use crate::{Block, BlockId, Encoding, Error, Node, Op, Program, Result, TensorType, ValueId, infer};
use std::collections::HashSet;

/// The most blocks, and the most values or nodes of a block, that a Program may have.
pub(crate) const MAX_ITEMS: usize = 1 << 22;

pub(crate) fn check(program: &Program) -> Result<()> {
    let whole = |reason: String| Error::Invalid { block: String::new(), reason };
    if program.blocks.is_empty() || program.blocks.len() > MAX_ITEMS {
        return Err(whole(format!("{} blocks", program.blocks.len())));
    }
    if program.sources.len() != program.entry().params.len() {
        let (sources, params) = (program.sources.len(), program.entry().params.len());
        return Err(whole(format!("{sources} sources for {params} parameters")));
    }
    for (index, block) in program.blocks.iter().enumerate() {
        let is_entry = index == program.entry_id().index();
        if !block.states.is_empty() && !is_entry {
            return Err(invalid(block, "only the entry may have states; pass the value in and hand it back"));
        }
        Checker { program, block, index, encodings: vec![&Encoding::Plain; block.values.len()] }.check()?;
    }
    Ok(())
}

fn invalid(block: &Block, reason: impl Into<String>) -> Error {
    Error::Invalid { block: block.name.clone(), reason: reason.into() }
}

struct Checker<'p> {
    program: &'p Program,
    block: &'p Block,
    index: usize,
    encodings: Vec<&'p Encoding>,
}

impl<'p> Checker<'p> {
    fn check(mut self) -> Result<()> {
        let block = self.block;
        if block.values.len() > MAX_ITEMS || block.nodes.len() > MAX_ITEMS {
            return Err(invalid(block, "too many values or nodes"));
        }
        for ty in &block.values {
            ty.check().map_err(|reason| invalid(block, reason))?;
        }
        let mut defined = vec![false; block.values.len()];
        let ports = block.inputs.iter().map(|p| (&p.name, p.value));
        let params = block.params.iter().map(|p| (&p.name, p.value));
        let states = block.states.iter().map(|s| (&s.name, s.value));
        let mut names = HashSet::new();
        for (name, value) in ports.chain(params).chain(states) {
            self.define(&mut defined, value)?;
            if !names.insert(name.as_str()) {
                return Err(invalid(block, format!("`{name}` is declared twice")));
            }
        }
        for param in &block.params {
            let layout = param.encoding.layout(block.ty(param.value));
            layout.map_err(|reason| invalid(block, format!("parameter `{}`: {reason}", param.name)))?;
            if let Some(encoding) = self.encodings.get_mut(param.value.index()) {
                *encoding = &param.encoding;
            }
        }
        for (i, node) in block.nodes.iter().enumerate() {
            if let Some(value) = node.inputs.iter().find(|v| !is_defined(&defined, **v)) {
                return Err(invalid(
                    block,
                    format!("node {i} ({}) uses value {} before it is defined", node.op.name(), value.0),
                ));
            }
            self.node(i, node)?;
            for &output in &node.outputs {
                self.define(&mut defined, output)?;
            }
        }
        let mut names = HashSet::new();
        for port in &block.outputs {
            if !is_defined(&defined, port.value) || !self.encoding(port.value).is_plain() {
                return Err(invalid(block, format!("output `{}` is no plain value of the block", port.name)));
            }
            if !names.insert(port.name.as_str()) {
                return Err(invalid(block, format!("output `{}` is declared twice", port.name)));
            }
        }
        for state in &block.states {
            if !is_defined(&defined, state.next) || block.ty(state.next) != block.ty(state.value) {
                return Err(invalid(
                    block,
                    format!("state `{}` ends as a value of another type", state.name),
                ));
            }
        }
        Ok(())
    }

    fn define(&self, defined: &mut [bool], value: ValueId) -> Result<()> {
        match defined.get_mut(value.index()) {
            Some(slot) if !*slot => *slot = true,
            Some(_) => return Err(invalid(self.block, format!("value {} is defined twice", value.0))),
            None => return Err(invalid(self.block, format!("there is no value {}", value.0))),
        }
        Ok(())
    }

    fn encoding(&self, value: ValueId) -> &'p Encoding {
        self.encodings.get(value.index()).copied().unwrap_or(&Encoding::Plain)
    }

    fn node(&self, i: usize, node: &Node) -> Result<()> {
        let operands: Vec<TensorType> = node.inputs.iter().map(|&v| self.block.ty(v).clone()).collect();
        let results = match node.op.block() {
            Some(callee) => self.call(i, node, callee)?,
            None => infer(&node.op, &operands).map_err(|reason| Error::Operands {
                op: node.op.name().into(),
                operands: list_types(&operands),
                reason,
                location: format!("block `{}`, node {i}", self.block.name),
            })?,
        };
        let declared: Vec<_> = node.outputs.iter().map(|v| self.block.values.get(v.index())).collect();
        if declared.len() != results.len() || declared.iter().zip(&results).any(|(d, r)| *d != Some(r)) {
            let reason = format!(
                "node {i} ({}) gives {}, not what its outputs say",
                node.op.name(),
                list_types(&results)
            );
            return Err(invalid(self.block, reason));
        }
        let decodes = |position: usize| match node.op {
            Op::Decode => position == 0,
            Op::Linear { .. } => position == 1,
            _ => node.op.block().is_some(),
        };
        match node.inputs.iter().enumerate().find(|(k, v)| !self.encoding(**v).is_plain() && !decodes(*k)) {
            Some((k, _)) => Err(invalid(
                self.block,
                format!("node {i} ({}) cannot read an encoded operand {k}", node.op.name()),
            )),
            None => Ok(()),
        }
    }

    /// The results of a call, after its arguments have been held against the callee.
    fn call(&self, i: usize, node: &Node, id: BlockId) -> Result<Vec<TensorType>> {
        let at = format!("node {i} ({})", node.op.name());
        if id.index() >= self.index {
            return Err(invalid(
                self.block,
                format!("{at} calls block {}, which does not come before", id.0),
            ));
        }
        let callee = self.program.block(id);
        let (given, wanted) = (node.inputs.len(), callee.arguments().count());
        if given != wanted {
            return Err(invalid(
                self.block,
                format!("{at} gives {given} values to `{}`, which takes {wanted}", callee.name),
            ));
        }
        for (k, (&given, wanted)) in node.inputs.iter().zip(callee.arguments()).enumerate() {
            let param = k.checked_sub(callee.inputs.len()).and_then(|p| callee.params.get(p));
            let encoding = param.map_or(&Encoding::Plain, |param| &param.encoding);
            if self.block.ty(given) != callee.ty(wanted) || self.encoding(given) != encoding {
                let (given, wanted) = (self.block.ty(given), callee.ty(wanted));
                return Err(invalid(
                    self.block,
                    format!("{at}: argument {k} of `{}` is {given}, not {wanted}", callee.name),
                ));
            }
        }
        if matches!(node.op, Op::Elementwise { .. }) {
            let other = callee.nodes.iter().find(|n| {
                !(n.op.is_elementwise() || matches!(n.op, Op::Broadcast { .. } | Op::Constant { .. }))
            });
            if let Some(other) = other {
                return Err(invalid(
                    self.block,
                    format!("{at}: `{}` holds {}", callee.name, other.op.name()),
                ));
            }
        }
        Ok(callee.outputs.iter().map(|port| callee.ty(port.value).clone()).collect())
    }
}

fn is_defined(defined: &[bool], value: ValueId) -> bool {
    defined.get(value.index()).copied().unwrap_or(false)
}
