//! Programs as text, for people: one line an operation.
//!
//! ```text
//! block layer, 2 runs, 4f0c6a1b9d3e8277
//!   input  %0 x: f32[4, 8]
//!   param  @weight: f32[8, 8]
//!   param  @bias: f32[8]
//!   %3 = linear %0, @weight, @bias   : f32[4, 8]
//!   %4 = silu %3                     : f32[4, 8]
//!   output %4
//! ```
//!
//! Values are `%` and their number, parameters `@` and their name. A call is the name of the block, its arguments, and
//! after a semicolon its parameters: `transformer_blocks.0.*` where their names are those of the block behind a prefix.
//! The form is for reading; [`Program::to_json`] is for machines.

mod operation;
#[cfg(test)]
mod tests;

use crate::{Block, Op, Program, ValueId};
use std::collections::HashSet;
use std::fmt;

/// Types are aligned behind operations, but not further out than this.
const WIDEST: usize = 88;
/// Hexadecimal digits of a hash that are shown.
const DIGITS: usize = 16;

impl fmt::Display for Program {
    /// Every block, callees before their callers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self.runs_of_blocks();
        for (index, (block, hash)) in self.blocks.iter().zip(self.hashes()).enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let runs = runs.get(index).copied().unwrap_or_default();
            let plural = if runs == 1 { "run" } else { "runs" };
            let hash = hash.to_string();
            let hash = hash.get(..DIGITS).unwrap_or(&hash);
            writeln!(f, "block {}, {runs} {plural}, {hash}", block.name)?;
            write_block(f, block, Some(self))?;
        }
        Ok(())
    }
}

impl fmt::Display for Block {
    /// The block by itself: what it calls has numbers for names, since those are the Program's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "block {}", self.name)?;
        write_block(f, self, None)
    }
}

fn write_block(f: &mut fmt::Formatter<'_>, block: &Block, program: Option<&Program>) -> fmt::Result {
    let ty = |value: ValueId| block.values.get(value.index()).map(ToString::to_string).unwrap_or_default();
    let name = |value: ValueId| name_of(block, value);
    for port in &block.inputs {
        writeln!(f, "  input  {}{}: {}", name(port.value), called(&port.name), ty(port.value))?;
    }
    write_params(f, block, &ty)?;
    for state in &block.states {
        writeln!(f, "  state  {} {}: {}", name(state.value), state.name, ty(state.value))?;
    }
    let line = |node| (operation::line(block, program, node), operation::results(block, node));
    let lines: Vec<(String, String)> = block.nodes.iter().map(line).collect();
    let lengths = lines.iter().map(|(line, _)| line.chars().count());
    let width = lengths.filter(|length| *length <= WIDEST).max().unwrap_or(0);
    for (line, results) in &lines {
        writeln!(f, "  {line:width$} : {results}")?;
    }
    for port in &block.outputs {
        writeln!(f, "  output {}{}", name(port.value), called(&port.name))?;
    }
    for state in block.states.iter().filter(|state| state.next != state.value) {
        writeln!(f, "  update {} = {}", state.name, name(state.next))?;
    }
    Ok(())
}

/// Parameters that the block reads itself, one a line; of those that it only hands on to calls, how many there are.
fn write_params(f: &mut fmt::Formatter<'_>, block: &Block, ty: &dyn Fn(ValueId) -> String) -> fmt::Result {
    let own = block.nodes.iter().filter(|node| !matches!(node.op, Op::Call { .. }));
    let read: HashSet<ValueId> = own.flat_map(|node| &node.inputs).copied().chain(block.results()).collect();
    for param in block.params.iter().filter(|param| read.contains(&param.value)) {
        write!(f, "  param  @{}: {}", param.name, ty(param.value))?;
        match param.encoding.is_plain() {
            true => writeln!(f)?,
            false => writeln!(f, " as {:?}", param.encoding)?,
        }
    }
    let handed_on = block.params.iter().filter(|param| !read.contains(&param.value)).count();
    match handed_on {
        0 => Ok(()),
        1 => writeln!(f, "  param  1 more, of what it calls"),
        count => writeln!(f, "  param  {count} more, of what it calls"),
    }
}

/// A name, where it is more than the position that tracing calls a block's arguments and results by.
fn called(name: &str) -> String {
    let position = name.strip_prefix("argument_").or_else(|| name.strip_prefix("result_"));
    match position.is_some_and(|position| position.chars().all(|c| c.is_ascii_digit())) {
        true => String::new(),
        false => format!(" {name}"),
    }
}

/// `%3`, or `@name` for a parameter.
fn name_of(block: &Block, value: ValueId) -> String {
    match block.params.iter().find(|param| param.value == value) {
        Some(param) => format!("@{}", param.name),
        None => format!("%{}", value.0),
    }
}
