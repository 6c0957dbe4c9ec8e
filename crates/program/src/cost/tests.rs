use super::{Cost, of_program, roofline};
use crate::passes::group_elementwise;
use crate::{DType, Encoding, Program, Result, Scope, Source, TensorType};

fn trace(build: impl FnOnce(&Scope) -> Result<()>) -> Program {
    Program::trace("test", build).unwrap()
}

fn bf16(shape: &[usize]) -> TensorType {
    TensorType::new(DType::Bf16, shape)
}

fn linear(rows: usize, bias: bool) -> Program {
    trace(|scope| {
        let scope = scope.with_dtype(DType::Bf16);
        let x = scope.input("x", bf16(&[rows, 64]))?;
        let bias = if bias { Some(scope.param("bias", &[32])?) } else { None };
        scope.output("y", &x.linear(&scope.param("weight", &[32, 64])?, bias.as_ref())?)
    })
}

#[test]
fn a_linear_layer_by_hand() {
    let cost = of_program(&linear(10, false)).total;
    assert_eq!(cost, Cost { flops: 2 * 10 * 64 * 32, bytes: 2 * (10 * 64 + 32 * 64 + 10 * 32) });
    let cost = of_program(&linear(10, true)).total;
    assert_eq!(cost.flops, 2 * 10 * 64 * 32 + 10 * 32);
    assert_eq!(cost.bytes, 2 * (10 * 64 + 32 * 64 + 10 * 32 + 32));
}

#[test]
fn encoded_weights_are_read_as_stored() {
    let program = trace(|scope| {
        let x = scope.input("x", bf16(&[1, 64]))?;
        let encoding = Encoding::Nf4 { block: 64 };
        let of = Box::new(Source::load("w"));
        let source = Source::Quantize { encoding: encoding.clone(), of };
        let w = scope.param_from("w", bf16(&[32, 64]), encoding, Some(source))?;
        scope.output("y", &x.linear(&w, None)?)
    });
    assert_eq!(of_program(&program).total.bytes, 2 * 64 + (32 * 64 / 2 + 32 * 4) + 2 * 32);
}

#[test]
fn convolution_and_attention_by_hand() {
    let program = trace(|scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [1, 4, 8, 8]))?;
        let w = scope.param("w", &[6, 4, 3, 3])?;
        scope.output("y", &x.convolution(&w, None, &[2, 2], &[[1, 1], [1, 1]])?)
    });
    assert_eq!(of_program(&program).total.flops, 2 * (6 * 4 * 4) * (4 * 3 * 3));
    let program = trace(|scope| {
        let q = scope.input("q", bf16(&[1, 2, 5, 8]))?;
        let k = scope.input("k", bf16(&[1, 2, 7, 8]))?;
        scope.output("y", &q.attention(&k, &k, None, 1.0)?)
    });
    let total = of_program(&program).total;
    assert_eq!(total.flops, 2 * 5 * 7 * (2 * 8 + 2 * 8 + 6));
    assert_eq!(
        total.bytes,
        2 * (2 * 5 * 8 + 2 * 7 * 8 + 2 * 5 * 8),
        "key and value are one operand, read once"
    );
}

#[test]
fn blocks_count_as_often_as_they_run() {
    let program = trace(|scope| {
        let mut x = scope.input("x", TensorType::new(DType::F32, [4, 8]))?;
        let block = scope.block("block", &[x.ty()], |scope, x| {
            Ok(vec![x[0].linear(&scope.param("weight", &[8, 8])?, None)?.silu()?])
        })?;
        for i in 0..3 {
            x = block.call(&scope.child(i), &[&x])?.remove(0);
        }
        scope.output("y", &x)
    });
    let cost = of_program(&program);
    assert_eq!((cost.blocks[0].runs, cost.ops["linear"].count), (3, 3));
    assert_eq!(cost.ops["linear"].cost.flops, 3 * 2 * 4 * 8 * 8);
    assert_eq!(cost.ops["silu"].cost, Cost { flops: 3 * 32, bytes: 3 * 2 * 128 });
    assert_eq!(cost.total, cost.blocks[0].once * 3);
    assert_eq!(cost.total, cost.ops.values().map(|op| op.cost).sum());
}

#[test]
fn grouping_saves_bytes_and_no_flops() {
    let program = trace(|scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [4, 8]))?;
        scope.output("y", &(&x * &scope.param("w", &[8])?)?.silu()?)
    });
    let (before, after) = (of_program(&program), of_program(&group_elementwise(program)));
    assert_eq!(after.total.flops, before.total.flops);
    assert_eq!(after.total.bytes, 128 + 32 + 128);
    assert_eq!(after.ops["elementwise"].count, 1);
    assert_eq!(after.blocks[0].runs, 0);
}

#[test]
fn the_roofline_is_the_slower_of_two() {
    let cost = Cost { flops: 1000, bytes: 10 };
    assert_eq!(roofline(cost, 100.0, 100.0), 10.0);
    assert_eq!(roofline(cost, 1e6, 1.0), 10.0);
    assert_eq!(roofline(Cost::default(), 0.0, 0.0), 0.0);
    assert_eq!(roofline(cost, 0.0, 1.0), f64::INFINITY);
}
