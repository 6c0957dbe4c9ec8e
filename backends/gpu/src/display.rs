//! Launch plans as text, for people and for comparing.

use crate::library::{Epilogue, LibraryOp};
use crate::plan::{Action, BlockPlan, Span, Step};
use std::fmt;
use std::sync::Arc;
use tintype_program::memory::Home;

impl fmt::Display for BlockPlan {
    /// This block and those that it calls, callees first, each once: a line a step, with what it reads and writes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Vec::new();
        callees(self, &mut written);
        for plan in &written {
            write_block(f, plan)?;
            writeln!(f)?;
        }
        write_block(f, self)
    }
}

fn callees(plan: &BlockPlan, into: &mut Vec<Arc<BlockPlan>>) {
    for step in &plan.steps {
        if let Action::Call { callee, .. } = &step.action
            && !into.iter().any(|known| Arc::ptr_eq(known, callee))
        {
            callees(callee, into);
            if !into.iter().any(|known| Arc::ptr_eq(known, callee)) {
                into.push(Arc::clone(callee));
            }
        }
    }
}

fn write_block(f: &mut fmt::Formatter<'_>, plan: &BlockPlan) -> fmt::Result {
    let (launches, moved, arena) = (plan.launches(), plan.bytes_moved(), plan.arena);
    writeln!(f, "block {}: {launches} launches, {moved} bytes moved, arena {arena}", plan.name)?;
    for step in &plan.steps {
        let spans = |spans: &[Span]| spans.iter().map(span).collect::<Vec<_>>().join(", ");
        writeln!(f, "  {:32} {} -> {}", action(step), spans(&step.reads), spans(&step.writes))?;
    }
    Ok(())
}

fn action(step: &Step) -> String {
    match &step.action {
        Action::Call { callee, arena } => format!("call {} @{arena}", callee.name),
        Action::Launch(launch) => {
            let [x, y, z] = launch.grid;
            let threads: u32 = launch.block.iter().product();
            format!("{} <{x}x{y}x{z}, {threads}>", launch.kernel.entry)
        }
        Action::Library { op, .. } => library(op),
    }
}

fn library(op: &LibraryOp) -> String {
    match op {
        LibraryOp::MatMul(op) => {
            let epilogue = match (op.bias, op.epilogue) {
                (false, Epilogue::None) => "",
                (true, Epilogue::None) => " + bias",
                (false, Epilogue::GeluTanh) => ", gelu",
                (true, Epilogue::GeluTanh) => " + bias, gelu",
            };
            let batch = if op.batch == 1 { String::new() } else { format!("{} x ", op.batch) };
            format!("matmul {batch}{} x {} x {}{epilogue}", op.m, op.n, op.k)
        }
        LibraryOp::Attention(op) => {
            let mask = if op.mask.is_some() { ", mask" } else { "" };
            format!("attention {} x {}, {} x {}, {}{mask}", op.batch, op.heads, op.queries, op.keys, op.depth)
        }
        LibraryOp::Convolution(op) => {
            let ([h, w], [kh, kw]) = (op.input, op.kernel);
            format!("convolution {} x {h} x {w}, {} to {}, {kh} x {kw}", op.batch, op.channels, op.outputs)
        }
    }
}

fn span(span: &Span) -> String {
    let home = match span.home {
        Home::Argument(position) => format!("arg{position}"),
        Home::Result(position) => format!("out{position}"),
        Home::Arena(offset) => format!("@{offset}"),
    };
    if span.offset == 0 { home } else { format!("{home}+{}", span.offset) }
}
