//! A block of elementwise operations as statements.

use crate::prelude::name;
use half::{bf16, f16};
use std::collections::HashMap;
use std::fmt::Write;
use tintype_program::{Binary, Block, DType, GeluForm, Node, Op, Unary, ValueId};

/// Statements that compute a block's outputs. Values are `float` or `int` and are rounded where the block casts them and
/// where they are stored: nowhere between.
pub(in crate::kernels) struct Expression<'b> {
    block: &'b Block,
    statements: String,
    /// What stands for each value.
    names: HashMap<ValueId, String>,
}

impl<'b> Expression<'b> {
    /// `argument` names the element of each argument of the block as it is stored.
    pub(in crate::kernels) fn of(
        block: &'b Block,
        argument: impl Fn(usize) -> String,
    ) -> Result<Self, String> {
        Self::with(block, |position, ty| match ty.is_float() {
            true => format!("to_float({})", argument(position)),
            false => format!("(int){}", argument(position)),
        })
    }

    /// `argument` gives the value of each argument of the block.
    pub(in crate::kernels) fn with(
        block: &'b Block,
        argument: impl Fn(usize, DType) -> String,
    ) -> Result<Self, String> {
        let mut made = Self { block, statements: String::new(), names: HashMap::new() };
        for (position, value) in block.arguments().enumerate() {
            let dtype = block.ty(value).dtype;
            made.define(value, &argument(position, dtype));
        }
        block.nodes.iter().try_for_each(|node| made.node(node))?;
        Ok(made)
    }

    /// The statements, and one that defines `result` as it is stored.
    pub(in crate::kernels) fn store(self, dtype: DType) -> Result<String, String> {
        let [output] = &self.block.outputs[..] else { return Err("a group has one result".into()) };
        let from = self.name(output.value)?;
        let stored = stored(dtype, &from);
        Ok(format!("{}const {} result = {stored};\n", self.statements, name(dtype)))
    }

    fn name(&self, value: ValueId) -> Result<String, String> {
        let known = self.names.get(&value).cloned();
        known.ok_or_else(|| format!("value {} of block `{}` is not defined", value.0, self.block.name))
    }

    fn define(&mut self, value: ValueId, expression: &str) {
        let (name, kind) = (format!("v{}", value.0), kind(self.block.ty(value).dtype));
        let _ = writeln!(self.statements, "const {kind} {name} = {expression};");
        self.names.insert(value, name);
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        let &[output] = &node.outputs[..] else {
            return Err("an elementwise operation has one result".into());
        };
        let operands: Vec<String> =
            node.inputs.iter().map(|&value| self.name(value)).collect::<Result<_, _>>()?;
        let dtype = self.block.ty(output).dtype;
        let from = node.inputs.first().map_or(dtype, |&value| self.block.ty(value).dtype);
        let expression = match (&node.op, &operands[..]) {
            (Op::Broadcast { .. } | Op::Reshape { .. }, [x]) => x.clone(),
            (Op::Constant { value, dtype }, []) => constant(*value, *dtype),
            (Op::Cast { dtype }, [x]) => cast(from, *dtype, x),
            (Op::Unary { function }, [x]) => unary(*function, x),
            (Op::Gelu { form: GeluForm::Erf }, [x]) => format!("gelu_erf({x})"),
            (Op::Gelu { form: GeluForm::Tanh }, [x]) => format!("gelu_tanh({x})"),
            (Op::Gelu { form: GeluForm::Quick }, [x]) => format!("gelu_quick({x})"),
            (Op::Silu, [x]) => format!("{x} * sigmoid({x})"),
            (Op::Binary { function }, [a, b]) if from.is_float() => floats(*function, a, b),
            (Op::Binary { function }, [a, b]) => integers(*function, a, b)?,
            (op, operands) => return Err(format!("{} of {} is not elementwise", op.name(), operands.len())),
        };
        let wraps = dtype == DType::U8 && matches!(node.op, Op::Binary { .. });
        let expression = if wraps { format!("({expression}) & 255") } else { expression };
        self.define(output, &expression);
        Ok(())
    }
}

/// What values of a dtype are computed as.
fn kind(dtype: DType) -> &'static str {
    if dtype.is_float() { "float" } else { "int" }
}

/// A value as it is stored.
pub(in crate::kernels) fn stored(dtype: DType, value: &str) -> String {
    match dtype {
        DType::F32 | DType::I32 => value.to_string(),
        DType::U8 => format!("(u8){value}"),
        _ => format!("from_float<{}>({value})", name(dtype)),
    }
}

/// A number of a dtype.
pub(in crate::kernels) fn constant(value: f64, dtype: DType) -> String {
    let float = |value: f32| format!("__int_as_float({:#x})", value.to_bits());
    match dtype {
        DType::F32 => float(value as f32),
        DType::Bf16 => float(bf16::from_f64(value).to_f32()),
        DType::F16 => float(f16::from_f64(value).to_f32()),
        // The least has no literal of its own.
        DType::I32 => format!("({} - 1)", i64::from(value as i32) + 1),
        DType::U8 => format!("{}", value as u8),
    }
}

fn cast(from: DType, to: DType, x: &str) -> String {
    match (from.is_float(), to) {
        (true, DType::F32) => x.to_string(),
        (true, DType::I32) => format!("to_int({x})"),
        (true, DType::U8) => format!("to_byte({x})"),
        (true, _) => format!("rounded<{}>({x})", name(to)),
        (false, DType::I32) => x.to_string(),
        (false, DType::U8) => format!("byte_of({x})"),
        (false, DType::F32) => format!("(float){x}"),
        (false, _) => format!("rounded<{}>(narrow({x}))", name(to)),
    }
}

fn unary(function: Unary, x: &str) -> String {
    match function {
        Unary::Neg => format!("-{x}"),
        Unary::Abs => format!("fabsf({x})"),
        Unary::Exp => format!("expf({x})"),
        Unary::Log => format!("logf({x})"),
        Unary::Sqrt => format!("sqrtf({x})"),
        Unary::Rsqrt => format!("1.0f / sqrtf({x})"),
        Unary::Reciprocal => format!("1.0f / {x}"),
        Unary::Sin => format!("sinf({x})"),
        Unary::Cos => format!("cosf({x})"),
        Unary::Tanh => format!("tanhf({x})"),
        Unary::Erf => format!("erff({x})"),
        Unary::Sigmoid => format!("sigmoid({x})"),
        // Not a maximum, which would turn NaN into zero.
        Unary::Relu => format!("{x} < 0.0f ? 0.0f : {x}"),
    }
}

fn floats(function: Binary, a: &str, b: &str) -> String {
    match function {
        Binary::Add => format!("{a} + {b}"),
        Binary::Sub => format!("{a} - {b}"),
        Binary::Mul => format!("{a} * {b}"),
        Binary::Div => format!("{a} / {b}"),
        Binary::Max => format!("largest({a}, {b})"),
        Binary::Min => format!("least({a}, {b})"),
        Binary::Pow => format!("powf({a}, {b})"),
    }
}

fn integers(function: Binary, a: &str, b: &str) -> Result<String, String> {
    let name = match function {
        Binary::Add => "int_add",
        Binary::Sub => "int_sub",
        Binary::Mul => "int_mul",
        Binary::Div => "int_div",
        Binary::Max => "int_max",
        Binary::Min => "int_min",
        Binary::Pow => return Err("there are no powers of integers".into()),
    };
    Ok(format!("{name}({a}, {b})"))
}
