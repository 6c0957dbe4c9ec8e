use super::quantize;
use crate::{
    Activation, Block, DType, Encoding, Fp8Format, Node, Op, Program, Result, ScaleGranularity, Scope,
    Source, TensorType, Value,
};

const FP8: Encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Row };

fn ty(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn encoded(program: &Program) -> Program {
    let after = quantize(program.clone(), &FP8, Activation::DynamicFp8, |_, _| true);
    after.check().unwrap();
    assert_eq!(quantize(after.clone(), &FP8, Activation::DynamicFp8, |_, _| true), after, "once is enough");
    after
}

/// Names of the block's encoded parameters.
fn names(block: &Block) -> Vec<&str> {
    block.params.iter().filter(|param| !param.encoding.is_plain()).map(|param| param.name.as_str()).collect()
}

fn rounding(block: &Block) -> Vec<bool> {
    let layers = block.nodes.iter().filter_map(|node| match node.op {
        Op::Linear { activation } => Some(activation == Activation::DynamicFp8),
        _ => None,
    });
    layers.collect()
}

fn layer(scope: &Scope, x: &Value, bias: bool) -> Result<Value> {
    let bias = if bias { Some(scope.param("bias", &[8])?) } else { None };
    x.linear(&scope.param("weight", &[8, 8])?, bias.as_ref())
}

#[test]
fn weights_are_encoded_up_to_the_entry_and_biases_are_not() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[5, 8]))?;
        let block = scope.block("block", &[x.ty()], |scope, x| Ok(vec![layer(scope, &x[0], true)?]))?;
        let y = block.call(&scope.child(0), &[&x])?.remove(0);
        let z = block.call(&scope.child(1), &[&y])?.remove(0);
        scope.output("y", &layer(&scope.child("last"), &z, false)?)
    })
    .unwrap();
    let after = encoded(&before);
    assert_eq!(names(&after.blocks[0]), ["weight"]);
    assert_eq!(names(after.entry()), ["0.weight", "1.weight", "last.weight"]);
    assert_eq!([rounding(&after.blocks[0]), rounding(after.entry())], [[true], [true]]);
    let first = Source::Quantize { encoding: FP8, of: Box::new(Source::load("0.weight")) };
    assert_eq!((&after.sources[0], &after.sources[1]), (&Source::load("0.bias"), &first));

    let inside = |block: &Block, _: &Node| block.name == "block";
    let after = quantize(before, &FP8, Activation::DynamicFp8, inside);
    after.check().unwrap();
    assert_eq!(names(after.entry()), ["0.weight", "1.weight"]);
    assert_eq!(rounding(after.entry()), [false]);
}

#[test]
fn what_something_else_reads_stays_and_so_does_what_that_leaves_out() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[8, 8]))?;
        let block = scope.block("block", &[x.ty()], |scope, x| Ok(vec![layer(scope, &x[0], false)?]))?;
        let y = block.call(&scope.child(0), &[&x])?.remove(0);
        let table = scope.param("table", &[8, 8])?;
        // Both a weight and a factor.
        let y = y.linear(&table, None)?.matmul(&table)?;
        let other = scope.block("other", &[x.ty()], |scope, x| {
            let tied = scope.param("tied", &[8, 8])?;
            Ok(vec![(&x[0].linear(&tied, None)? + &tied)?])
        })?;
        let y = other.call(&scope.child("other"), &[&y])?.remove(0);
        scope.output("y", &y)
    })
    .unwrap();
    let after = encoded(&before);
    assert_eq!(names(after.entry()), ["0.weight"]);
    assert_eq!(names(&after.blocks[1]), [""; 0]);
    assert_eq!(rounding(after.entry()), [false]);
}

#[test]
fn what_an_encoding_cannot_store_stays() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[5, 8]))?;
        scope.output("y", &layer(scope, &x, true)?)
    })
    .unwrap();
    let blocks = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Block { size: 3 } };
    assert_eq!(quantize(before.clone(), &blocks, Activation::DynamicFp8, |_, _| true), before);
    let nf4 = quantize(before, &Encoding::Nf4 { block: 16 }, Activation::Keep, |_, _| true);
    nf4.check().unwrap();
    assert_eq!((names(nf4.entry()), rounding(nf4.entry())), (vec!["weight"], vec![false]));
}
