//! Blocks: nested, called often, fused, and custom.

use super::making::{FLOATS, source};
use super::{Case, Fill, Tolerance};
use tintype_program::{Attribute, DType, Encoding, GeluForm, Op, Program, Result, Scope, TensorType, Value};

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        cases.extend([
            chain(dtype)?,
            nested(dtype)?,
            several_results(dtype)?,
            shared_weights(dtype)?,
            fused(dtype, "fused")?,
            fused_broadcasts(dtype)?,
            custom(dtype)?,
            queries_keys_values(dtype, &Encoding::Plain)?,
            queries_keys_values(dtype, &Encoding::Nf4 { block: 16 })?,
        ]);
    }
    Ok(cases)
}

fn tolerance(dtype: DType, depth: usize, roundings: u32) -> Tolerance {
    Tolerance::sum(dtype, depth).and_roundings(dtype, roundings)
}

fn layer(scope: &Scope, x: &Value) -> Result<Value> {
    let width = x.shape()[1];
    let y = x
        .layer_norm(None, 1e-5)?
        .linear(&scope.param("weight", &[width, width])?, Some(&scope.param("bias", &[width])?))?;
    &(&y.gelu(GeluForm::Tanh)? * 0.3)? + x
}

fn input(scope: &Scope, name: &str, dtype: DType, shape: &[usize]) -> Result<Value> {
    scope.input(name, TensorType::new(dtype, shape))
}

/// One block called five times, each time with its own weights.
fn chain(dtype: DType) -> Result<Case> {
    Case::traced("call", dtype, "one block five times", tolerance(dtype, 200, 20), |scope| {
        let scope = scope.with_dtype(dtype);
        let mut x = input(&scope, "x", dtype, &[3, 9])?;
        let block = scope.block("layer", &[x.ty()], |scope, x| Ok(vec![layer(scope, &x[0])?]))?;
        for i in 0..5 {
            x = block.call(&scope.child("layers").child(i), &[&x])?.remove(0);
        }
        scope.output("y", &x)
    })
}

/// Blocks within blocks, one of them called from two others.
fn nested(dtype: DType) -> Result<Case> {
    Case::traced("call", dtype, "blocks within blocks", tolerance(dtype, 400, 40), |scope| {
        let scope = scope.with_dtype(dtype);
        let x = input(&scope, "x", dtype, &[4, 7])?;
        let stage = |name: &str, extra: f64| {
            scope.block(name, &[x.ty()], |scope, x| {
                let inner = scope.block("layer", &[x[0].ty()], |scope, x| Ok(vec![layer(scope, &x[0])?]))?;
                let y = inner.call(&scope.child("a"), &[&x[0]])?;
                let y = inner.call(&scope.child("b"), &[&(&y[0] * extra)?])?;
                Ok(vec![(&y[0] + &x[0])?])
            })
        };
        let (first, second) = (stage("first", 0.5)?, stage("second", 0.25)?);
        let y = first.call(&scope.child(0), &[&x])?;
        let y = second.call(&scope.child(1), &[&y[0]])?;
        let y = first.call(&scope.child(2), &[&y[0]])?;
        scope.output("y", &y[0])
    })
}

/// A block that hands back several results, among them an argument, a view of it and one value twice.
fn several_results(dtype: DType) -> Result<Case> {
    Case::traced("call", dtype, "several results", tolerance(dtype, 8, 3), |scope| {
        let x = input(scope, "x", dtype, &[3, 4])?;
        let block = scope.block("several", &[x.ty(), x.ty()], |_, x| {
            let sum = (&x[0] + &x[1])?;
            Ok(vec![sum.clone(), x[0].clone(), x[1].transpose(&[1, 0])?, sum])
        })?;
        let y = block.call(scope, &[&x, &(&x * 2.0)?])?;
        // The same argument twice.
        let z = block.call(scope, &[&y[1], &y[1]])?;
        scope.output("a", &(&y[0] + &z[3])?)?;
        scope.output("b", &y[2])?;
        scope.output("c", &z[1])
    })
}

/// Two calls that read one weight.
fn shared_weights(dtype: DType) -> Result<Case> {
    Case::traced("call", dtype, "calls that share weights", tolerance(dtype, 80, 8), |scope| {
        let scope = scope.with_dtype(dtype);
        let x = input(&scope, "x", dtype, &[2, 5])?;
        let block = scope.block("layer", &[x.ty()], |scope, x| Ok(vec![layer(scope, &x[0])?]))?;
        let y = block.call(&scope.child("shared"), &[&x])?;
        scope.output("y", &block.call(&scope.child("shared"), &[&y[0]])?[0])
    })
}

/// The same Program with calls of the block of this name made into single passes over memory.
fn as_elementwise(mut program: Program, name: &str) -> Program {
    let named: Vec<bool> = program.blocks.iter().map(|block| block.name == name).collect();
    for node in program.blocks.iter_mut().flat_map(|block| &mut block.nodes) {
        if let Op::Call { block } = node.op
            && named.get(block.index()) == Some(&true)
        {
            node.op = Op::Elementwise { block };
        }
    }
    program
}

fn fused(dtype: DType, name: &str) -> Result<Case> {
    let mut case =
        Case::traced("elementwise", dtype, "a chain with two results", tolerance(dtype, 32, 6), |scope| {
            let (a, b) = (input(scope, "a", dtype, &[3, 35])?, input(scope, "b", dtype, &[3, 35])?);
            let block = scope.block(name, &[a.ty(), b.ty()], |_, x| {
                let scaled = (&(&x[0] * 0.5)? + &x[1])?;
                let wide = scaled.cast(DType::F32)?.unary(tintype_program::Unary::Tanh)?;
                Ok(vec![scaled.silu()?, wide, x[1].gelu(GeluForm::Quick)?])
            })?;
            let y = block.call(scope, &[&a, &b])?;
            y.iter().enumerate().try_for_each(|(i, y)| scope.output(&format!("y{i}"), y))
        })?;
    case.program = as_elementwise(case.program, name);
    Ok(case)
}

/// A modulation: `x (1 + scale) + shift`, with rows broadcast inside the block.
fn fused_broadcasts(dtype: DType) -> Result<Case> {
    let mut case = Case::traced("elementwise", dtype, "with broadcasts", tolerance(dtype, 4, 4), |scope| {
        let x = input(scope, "x", dtype, &[2, 5, 13])?;
        let (shift, scale) =
            (input(scope, "shift", dtype, &[2, 1, 13])?, input(scope, "scale", dtype, &[13])?);
        let block = scope.block("modulate", &[x.ty(), shift.ty(), scale.ty()], |_, x| {
            Ok(vec![(&(&x[0] * &(&x[2] + 1.0)?)? + &x[1])?])
        })?;
        scope.output("y", &block.call(scope, &[&x, &shift, &scale])?[0])
    })?;
    case.program = as_elementwise(case.program, "modulate");
    Ok(case)
}

/// An operation that no plugin knows, with every kind of attribute and two results.
fn custom(dtype: DType) -> Result<Case> {
    Case::traced("custom", dtype, "unknown to every plugin", tolerance(dtype, 16, 3), |scope| {
        let (a, b) = (input(scope, "a", dtype, &[3, 5])?, input(scope, "b", dtype, &[5, 2])?);
        let attributes = [
            ("flag", Attribute::Bool(true)),
            ("count", Attribute::Int(-3)),
            ("factor", Attribute::Float(0.5)),
            ("mode", Attribute::Text("wide".into())),
            ("axes", Attribute::List(vec![Attribute::Int(0), Attribute::Int(1)])),
        ];
        let attributes = attributes.map(|(name, value)| (name.to_string(), value)).into();
        let y = scope.custom("conformance.product", attributes, &[&a, &b], |_, x| {
            let product = x[0].matmul(&x[1])?;
            Ok(vec![product.silu()?, product])
        })?;
        scope.output("y", &(&y[0] + &y[1])?)
    })
}

/// Three linear layers of one activation in a block that is called twice: what a plugin may fuse.
fn queries_keys_values(dtype: DType, encoding: &Encoding) -> Result<Case> {
    let detail =
        if encoding.is_plain() { "queries, keys and values" } else { "encoded queries, keys and values" };
    let case = Case::traced("call", dtype, detail, tolerance(dtype, 100, 8), |scope| {
        let scope = scope.with_dtype(dtype);
        let x = input(&scope, "x", dtype, &[5, 16])?;
        let block = scope.block("attention", &[x.ty()], |scope, x| {
            let project = |name: &str| {
                let (scope, ty) = (scope.child(name), TensorType::new(dtype, [16, 16]));
                let from = Some(source("weight", encoding));
                let weight = scope.param_from("weight", ty, encoding.clone(), from)?;
                let y = x[0].linear(&weight, Some(&scope.param("bias", &[16])?))?;
                y.reshape(&[1, 5, 2, 8])?.transpose(&[0, 2, 1, 3])
            };
            let y = project("to_q")?.attention(&project("to_k")?, &project("to_v")?, None, 0.1)?;
            Ok(vec![(&y.transpose(&[0, 2, 1, 3])?.reshape(&[5, 16])? + &x[0])?])
        })?;
        let y = block.call(&scope.child(0), &[&x])?;
        scope.output("y", &block.call(&scope.child(1), &[&y[0]])?[0])
    })?;
    // Weights that keep the activation's size: with larger ones the softmax would magnify every rounding.
    let weights = case.program.entry().params.iter().filter(|param| param.encoding.is_plain());
    let names: Vec<String> = weights.map(|param| param.name.clone()).collect();
    Ok(names.iter().fold(case, |case, name| case.filled(name, Fill::Normal(0.25))))
}
