//! What a group's program is made of.

use super::TILE;
use super::operands::AnyReader;
use crate::kernels::convert::{narrow, round};
use crate::kernels::math;
use tintype_program::{Binary, DType, GeluForm, Unary};

/// One step over a tile. Registers are named by number; a result's register is none of its operands'.
#[derive(Clone, Copy, Debug)]
pub(super) enum Instruction {
    /// Reads an input.
    Load { input: usize, to: usize },
    /// Fills a register with these bits.
    Constant { bits: u32, to: usize },
    /// A function of floating-point elements.
    Unary { function: Function, from: usize, to: usize },
    /// A function of pairs.
    Binary { function: Binary, integers: bool, operands: [usize; 2], to: usize },
    /// A conversion to another dtype; the flag says whether the operand is of an integer type.
    Cast { integers: bool, dtype: DType, from: usize, to: usize },
}

/// A function of one floating-point element.
#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Unary(Unary),
    Gelu(GeluForm),
    Silu,
}

impl Instruction {
    /// The register that it writes.
    pub fn to(&mut self) -> &mut usize {
        match self {
            Self::Load { to, .. }
            | Self::Constant { to, .. }
            | Self::Unary { to, .. }
            | Self::Binary { to, .. }
            | Self::Cast { to, .. } => to,
        }
    }

    /// The registers that it reads.
    pub fn operands(&mut self) -> &mut [usize] {
        match self {
            Self::Load { .. } | Self::Constant { .. } => &mut [],
            Self::Unary { from, .. } | Self::Cast { from, .. } => std::slice::from_mut(from),
            Self::Binary { operands, .. } => operands,
        }
    }

    /// Computes the first `len` elements of a tile that starts at element `start`, in registers of [`TILE`] elements each.
    #[inline(always)]
    pub fn run(&self, inputs: &[AnyReader], start: usize, len: usize, registers: &mut [f32]) {
        let target = *{ *self }.to();
        // Split around the target, so that the operands can be read beside it.
        let (before, rest) = registers.split_at_mut(target * TILE);
        let (register, after) = rest.split_at_mut(TILE);
        let operand = |register: usize| {
            let (part, at) =
                if register < target { (&*before, register) } else { (&*after, register - target - 1) };
            &part[at * TILE..at * TILE + len]
        };
        let to = &mut register[..len];
        match *self {
            Self::Load { input, .. } => inputs[input].load(start, to),
            Self::Constant { bits, .. } => to.fill(f32::from_bits(bits)),
            Self::Unary { function, from, .. } => function.run(operand(from), to),
            Self::Binary { function, integers: false, operands: [a, b], .. } => {
                floats(function, operand(a), operand(b), to);
            }
            Self::Binary { function, operands: [a, b], .. } => {
                let [a, b] = [a, b].map(|register| bytemuck::cast_slice(operand(register)));
                let to: &mut [i32] = bytemuck::cast_slice_mut(to);
                let pairs = a.iter().zip(b);
                to.iter_mut().zip(pairs).for_each(|(to, (a, b))| *to = integer(function, *a, *b));
            }
            Self::Cast { integers, dtype, from, .. } => cast(integers, dtype, operand(from), to),
        }
    }
}

/// Each arm is a loop of its own, which the compiler vectorises.
#[inline(always)]
fn map(from: &[f32], to: &mut [f32], function: impl Fn(f32) -> f32) {
    to.iter_mut().zip(from).for_each(|(to, x)| *to = function(*x));
}

impl Function {
    #[inline(always)]
    fn run(self, x: &[f32], to: &mut [f32]) {
        match self {
            Self::Unary(Unary::Neg) => map(x, to, |x| -x),
            Self::Unary(Unary::Abs) => map(x, to, f32::abs),
            Self::Unary(Unary::Exp) => map(x, to, math::exp),
            Self::Unary(Unary::Log) => map(x, to, f32::ln),
            Self::Unary(Unary::Sqrt) => map(x, to, f32::sqrt),
            Self::Unary(Unary::Rsqrt) => map(x, to, |x| 1.0 / x.sqrt()),
            Self::Unary(Unary::Reciprocal) => map(x, to, |x| 1.0 / x),
            Self::Unary(Unary::Sin) => map(x, to, f32::sin),
            Self::Unary(Unary::Cos) => map(x, to, f32::cos),
            Self::Unary(Unary::Tanh) => map(x, to, math::tanh),
            Self::Unary(Unary::Erf) => map(x, to, math::erf),
            Self::Unary(Unary::Sigmoid) => map(x, to, math::sigmoid),
            // Not `max`, which would turn NaN into zero.
            Self::Unary(Unary::Relu) => map(x, to, |x| if x < 0.0 { 0.0 } else { x }),
            Self::Gelu(GeluForm::Erf) => {
                map(x, to, |x| 0.5 * x * (1.0 + math::erf(x * std::f32::consts::FRAC_1_SQRT_2)));
            }
            // `(1 + tanh u) / 2` is `sigmoid(2 u)`, which loses nothing where the hyperbolic tangent is near -1.
            Self::Gelu(GeluForm::Tanh) => {
                map(x, to, |x| x * math::sigmoid(1.595_769_2 * (x + 0.044_715 * x * x * x)));
            }
            Self::Gelu(GeluForm::Quick) => map(x, to, |x| x * math::sigmoid(1.702 * x)),
            Self::Silu => map(x, to, |x| x * math::sigmoid(x)),
        }
    }
}

#[inline(always)]
fn floats(function: Binary, a: &[f32], b: &[f32], to: &mut [f32]) {
    #[inline(always)]
    fn zip(a: &[f32], b: &[f32], to: &mut [f32], function: impl Fn(f32, f32) -> f32) {
        to.iter_mut().zip(a.iter().zip(b)).for_each(|(to, (a, b))| *to = function(*a, *b));
    }
    match function {
        Binary::Add => zip(a, b, to, |a, b| a + b),
        Binary::Sub => zip(a, b, to, |a, b| a - b),
        Binary::Mul => zip(a, b, to, |a, b| a * b),
        Binary::Div => zip(a, b, to, |a, b| a / b),
        Binary::Max => zip(a, b, to, math::max),
        Binary::Min => zip(a, b, to, math::min),
        Binary::Pow => zip(a, b, to, f32::powf),
    }
}

#[inline(always)]
fn integer(function: Binary, a: i32, b: i32) -> i32 {
    match function {
        Binary::Add => a.wrapping_add(b),
        Binary::Sub => a.wrapping_sub(b),
        Binary::Mul => a.wrapping_mul(b),
        Binary::Div => {
            if b == 0 {
                0
            } else {
                a.wrapping_div(b)
            }
        }
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        // Inference refuses powers of integers.
        Binary::Pow => 0,
    }
}

#[inline(always)]
fn cast(integers: bool, dtype: DType, from: &[f32], to: &mut [f32]) {
    let whole: &[i32] = bytemuck::cast_slice(from);
    match (integers, dtype) {
        (false, DType::I32) => map(from, to, |x| f32::from_bits(x as i32 as u32)),
        (false, DType::U8) => map(from, to, |x| f32::from_bits(u32::from(x as u8))),
        (true, DType::I32) => to.copy_from_slice(from),
        (true, DType::U8) => {
            to.iter_mut().zip(whole).for_each(|(to, x)| *to = f32::from_bits((*x).clamp(0, 255) as u32));
        }
        (true, DType::F32) => to.iter_mut().zip(whole).for_each(|(to, x)| *to = *x as f32),
        (true, _) => {
            to.iter_mut().zip(whole).for_each(|(to, x)| *to = narrow(f64::from(*x)));
            round(to, dtype);
        }
        (false, _) => {
            to.copy_from_slice(from);
            round(to, dtype);
        }
    }
}
