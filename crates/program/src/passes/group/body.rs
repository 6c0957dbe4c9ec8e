//! The block of one group.

use crate::{Binary, Block, Node, Op, Port, Shape, Unary, ValueId};
use std::collections::HashMap;

/// How many operations a body's name lists.
const NAMED: usize = 6;

/// A group's block while it is filled.
pub(super) struct Body<'b> {
    outer: &'b Block,
    nodes: &'b [Node],
    producers: &'b [Option<usize>],
    results: &'b [ValueId],
    pub(super) block: Block,
    /// The outer values that the block is given.
    pub(super) arguments: Vec<ValueId>,
    /// Outer values, and what they are called inside.
    inside: HashMap<ValueId, ValueId>,
    /// Outer values as broadcast inside.
    broadcast: HashMap<ValueId, ValueId>,
}

impl<'b> Body<'b> {
    pub(super) fn new(
        outer: &'b Block,
        nodes: &'b [Node],
        producers: &'b [Option<usize>],
        results: &'b [ValueId],
    ) -> Self {
        let block = Block::default();
        let (inside, broadcast) = (HashMap::new(), HashMap::new());
        Self { outer, nodes, producers, results, block, arguments: Vec::new(), inside, broadcast }
    }

    /// Copies the members, given in order.
    pub(super) fn fill(mut self, members: &[usize]) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for &member in members {
            let node = &self.nodes[member];
            names.push(function_name(&node.op));
            let shape =
                node.outputs.first().map_or(Shape::new(), |value| self.outer.ty(*value).shape.clone());
            let inputs = node.inputs.iter().map(|&value| self.operand(value, &shape)).collect();
            let mut outputs = Vec::with_capacity(node.outputs.len());
            for &value in &node.outputs {
                let inner = self.block.push_value(self.outer.ty(value).clone());
                self.inside.insert(value, inner);
                outputs.push(inner);
            }
            self.block.nodes.push(Node { op: node.op.clone(), inputs, outputs });
        }
        let more = if names.len() > NAMED { "_etc" } else { "" };
        names.truncate(NAMED);
        self.block.name = format!("{}{more}", names.join("_"));
        for (i, value) in self.results.iter().enumerate() {
            if let Some(&value) = self.inside.get(value) {
                self.block.outputs.push(Port { name: format!("result_{i}"), value });
            }
        }
        self
    }

    /// A member's operand as a value of the block.
    fn operand(&mut self, value: ValueId, shape: &Shape) -> ValueId {
        if let Some(&inner) = self.inside.get(&value) {
            return inner;
        }
        let mut origin = value;
        while let Some(node) = self.producer(origin)
            && matches!(node.op, Op::Broadcast { .. })
            && let [operand] = node.inputs[..]
        {
            origin = operand;
        }
        let inner = match self.inside.get(&origin) {
            Some(&inner) => inner,
            None => self.take_in(origin),
        };
        let from = self.block.ty(inner);
        if from.shape == *shape {
            return inner;
        }
        if let Some(&known) = self.broadcast.get(&origin) {
            return known;
        }
        let ty = crate::TensorType::new(from.dtype, shape.clone());
        let output = self.block.push_value(ty);
        let op = Op::Broadcast { shape: shape.clone() };
        self.block.nodes.push(Node { op, inputs: vec![inner], outputs: vec![output] });
        self.broadcast.insert(origin, output);
        output
    }

    /// A constant copied, or another value made an input.
    fn take_in(&mut self, origin: ValueId) -> ValueId {
        let inner = self.block.push_value(self.outer.ty(origin).clone());
        match self.producer(origin).filter(|node| matches!(node.op, Op::Constant { .. })) {
            Some(node) => {
                let op = node.op.clone();
                self.block.nodes.push(Node { op, inputs: vec![], outputs: vec![inner] });
            }
            None => {
                let name = format!("argument_{}", self.arguments.len());
                self.block.inputs.push(Port { name, value: inner });
                self.arguments.push(origin);
            }
        }
        self.inside.insert(origin, inner);
        inner
    }

    fn producer(&self, value: ValueId) -> Option<&'b Node> {
        self.producers.get(value.index()).copied().flatten().and_then(|index| self.nodes.get(index))
    }
}

fn function_name(op: &Op) -> &str {
    match op {
        Op::Unary { function } => match function {
            Unary::Neg => "neg",
            Unary::Abs => "abs",
            Unary::Exp => "exp",
            Unary::Log => "log",
            Unary::Sqrt => "sqrt",
            Unary::Rsqrt => "rsqrt",
            Unary::Reciprocal => "reciprocal",
            Unary::Sin => "sin",
            Unary::Cos => "cos",
            Unary::Tanh => "tanh",
            Unary::Erf => "erf",
            Unary::Sigmoid => "sigmoid",
            Unary::Relu => "relu",
        },
        Op::Binary { function } => match function {
            Binary::Add => "add",
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Max => "max",
            Binary::Min => "min",
            Binary::Pow => "pow",
        },
        other => other.name(),
    }
}
