//! One operation as text.

use super::name_of;
use crate::{
    Activation, Attribute, Binary, Block, GeluForm, Node, Op, PadMode, Pairing, Program, Reduce, Unary,
};
use std::collections::BTreeMap;

/// `%3 = linear %0, @weight`.
pub(super) fn line(block: &Block, program: Option<&Program>, node: &Node) -> String {
    let names = |values: &[_]| -> Vec<String> { values.iter().map(|value| name_of(block, *value)).collect() };
    let results = names(&node.outputs).join(", ");
    let called = node.op.block().map(|id| {
        let callee = program.and_then(|program| program.blocks.get(id.index()));
        (callee, callee.map_or_else(|| format!("block {}", id.0), |callee| callee.name.clone()))
    });
    match (&node.op, called) {
        (Op::Call { .. }, Some((callee, name))) => {
            format!("{results} = call {name}({})", arguments(block, callee, node))
        }
        (Op::Elementwise { .. }, Some((_, name))) => {
            format!("{results} = elementwise {name}({})", names(&node.inputs).join(", "))
        }
        (op, called) => {
            let operands = names(&node.inputs).join(", ");
            let mut words = vec![word(op)];
            words.extend(attributes(block, node));
            words.extend(called.map(|(_, name)| format!("as {name}")));
            words.extend((!operands.is_empty()).then_some(operands));
            format!("{results} = {}", words.join(" "))
        }
    }
}

/// The types of a node's results.
pub(super) fn results(block: &Block, node: &Node) -> String {
    let ty = |value: &crate::ValueId| block.values.get(value.index()).map(ToString::to_string);
    node.outputs.iter().filter_map(ty).collect::<Vec<_>>().join(", ")
}

/// A call's arguments; its parameters behind a semicolon.
fn arguments(block: &Block, callee: Option<&Block>, node: &Node) -> String {
    let names: Vec<String> = node.inputs.iter().map(|value| name_of(block, *value)).collect();
    let inputs = callee.map_or(names.len(), |callee| callee.inputs.len().min(names.len()));
    let (given, params) = names.split_at(inputs);
    let params = match callee.and_then(|callee| prefix(callee, params)) {
        Some("") => "*".into(),
        Some(prefix) => format!("{}.*", prefix.trim_end_matches('.')),
        None => params.join(", "),
    };
    match params.is_empty() || inputs == names.len() {
        true => given.join(", "),
        false => format!("{}; {params}", given.join(", ")),
    }
}

/// What stands before the callee's own names in all of `params`, where it is the same for all.
fn prefix<'n>(callee: &Block, params: &'n [String]) -> Option<&'n str> {
    let of = |(param, name): (&crate::Param, &'n String)| -> Option<&'n str> {
        let prefix = name.strip_prefix('@')?.strip_suffix(param.name.as_str())?;
        (prefix.is_empty() || prefix.ends_with('.')).then_some(prefix)
    };
    let mut prefixes = callee.params.iter().zip(params).map(of);
    let first = prefixes.next()??;
    (callee.params.len() == params.len() && prefixes.all(|prefix| prefix == Some(first))).then_some(first)
}

/// The operation's name; of unary and binary ones that of the function.
fn word(op: &Op) -> String {
    match op {
        Op::Unary { function } => unary(*function).into(),
        Op::Binary { function } => binary(*function).into(),
        Op::Reduce { function, .. } => match function {
            Reduce::Sum => "sum",
            Reduce::Mean => "mean",
            Reduce::Max => "max_of",
        }
        .into(),
        other => other.name().into(),
    }
}

fn unary(function: Unary) -> &'static str {
    match function {
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
    }
}

fn binary(function: Binary) -> &'static str {
    match function {
        Binary::Add => "add",
        Binary::Sub => "sub",
        Binary::Mul => "mul",
        Binary::Div => "div",
        Binary::Max => "max",
        Binary::Min => "min",
        Binary::Pow => "pow",
    }
}

/// What the result's type does not say already.
fn attributes(block: &Block, node: &Node) -> Option<String> {
    match &node.op {
        Op::Constant { value, .. } => Some(value.to_string()),
        Op::Reduce { axes, .. } => Some(format!("axes={axes:?}")),
        Op::Transpose { permutation } => Some(format!("{permutation:?}")),
        Op::Slice { starts, ends, steps } => {
            let of = node.inputs.first().and_then(|value| block.values.get(value.index()));
            Some(slice(starts, ends, steps, of.map_or(&[], |ty| &ty.shape)))
        }
        Op::Concat { axis } | Op::Gather { axis } | Op::Softmax { axis } => Some(format!("axis={axis}")),
        Op::Pad { before, after, mode } => Some(format!("before={before:?} after={after:?}{}", pad(*mode))),
        Op::Convolution { stride, padding, dilation, groups, mode } => {
            let mut words = vec![format!("stride={stride:?} padding={padding:?}{}", pad(*mode))];
            words.extend(dilation.iter().any(|d| *d != 1).then(|| format!("dilation={dilation:?}")));
            words.extend((*groups != 1).then(|| format!("groups={groups}")));
            Some(words.join(" "))
        }
        Op::Linear { activation } => match activation {
            Activation::Keep => None,
            Activation::DynamicFp8 => Some("activation=dynamic_fp8".into()),
        },
        Op::Attention { scale } => Some(format!("scale={scale}")),
        Op::LayerNorm { eps } | Op::RmsNorm { eps } => Some(format!("eps={eps}")),
        Op::GroupNorm { groups, eps } => Some(format!("groups={groups} eps={eps}")),
        Op::RotaryEmbedding { pairing } => Some(match pairing {
            Pairing::Interleaved => "interleaved".into(),
            Pairing::Halves => "halves".into(),
        }),
        Op::Gelu { form } => Some(match form {
            GeluForm::Erf => "erf".into(),
            GeluForm::Tanh => "tanh".into(),
            GeluForm::Quick => "quick".into(),
        }),
        Op::Upsample { factors } => Some(format!("{factors:?}")),
        Op::Custom { attributes, .. } => custom(attributes),
        Op::Unary { .. }
        | Op::Binary { .. }
        | Op::Cast { .. }
        | Op::Reshape { .. }
        | Op::Broadcast { .. }
        | Op::MatMul
        | Op::Decode
        | Op::Silu
        | Op::Call { .. }
        | Op::Elementwise { .. } => None,
    }
}

/// `[:, 4:8:2]`, as Python writes it: a whole axis is a colon.
fn slice(starts: &[usize], ends: &[usize], steps: &[usize], shape: &[usize]) -> String {
    let ranges = starts.iter().zip(ends).zip(steps).enumerate();
    let axes: Vec<String> = ranges
        .map(|(axis, ((&start, &end), &step))| match (start, step) {
            (0, 1) if shape.get(axis) == Some(&end) => ":".to_owned(),
            (_, 1) => format!("{start}:{end}"),
            _ => format!("{start}:{end}:{step}"),
        })
        .collect();
    format!("[{}]", axes.join(", "))
}

fn pad(mode: PadMode) -> &'static str {
    match mode {
        PadMode::Zero => "",
        PadMode::Replicate => " replicate",
    }
}

fn custom(attributes: &BTreeMap<String, Attribute>) -> Option<String> {
    let each: Vec<String> =
        attributes.iter().map(|(key, value)| format!("{key}={}", attribute(value))).collect();
    (!each.is_empty()).then(|| each.join(" "))
}

fn attribute(value: &Attribute) -> String {
    match value {
        Attribute::Bool(value) => value.to_string(),
        Attribute::Int(value) => value.to_string(),
        Attribute::Float(value) => value.to_string(),
        Attribute::Text(value) => format!("{value:?}"),
        Attribute::List(values) => {
            format!("[{}]", values.iter().map(attribute).collect::<Vec<_>>().join(", "))
        }
    }
}
