use super::decompose;
use crate::{
    Activation, Block, DType, Encoding, GeluForm, Node, Op, Pairing, Program, Result, Scope, Source,
    TensorType, Value,
};

fn names(block: &Block) -> Vec<&str> {
    block.nodes.iter().map(|node| node.op.name()).collect()
}

fn trace(dtype: DType, build: impl FnOnce(&Scope) -> Result<Value>) -> Program {
    Program::trace("test", |scope| {
        let y = build(&scope.with_dtype(dtype))?;
        scope.output("y", &y)
    })
    .unwrap()
}

/// Decomposes everything, checks the result and that its signature is the same.
fn all(program: &Program) -> Program {
    let core = decompose(program.clone(), |_, _| false).unwrap();
    core.check().unwrap();
    assert!(core.blocks.iter().flat_map(|block| &block.nodes).all(|node| !node.op.is_composite()));
    assert_eq!(core.entry().params.len(), program.entry().params.len());
    let ty = |p: &Program| p.entry().ty(p.entry().outputs[0].value).clone();
    assert_eq!(ty(&core), ty(program));
    core
}

#[test]
fn a_linear_layer_becomes_a_product_and_a_sum() {
    let linear = |dtype, bias: bool| {
        trace(dtype, |scope| {
            let x = scope.input("x", TensorType::new(dtype, [2, 3, 8]))?;
            let bias = if bias { Some(scope.param("bias", &[4])?) } else { None };
            x.linear(&scope.param("weight", &[4, 8])?, bias.as_ref())
        })
    };
    let before = linear(DType::F32, true);
    assert_eq!(names(before.entry()), ["linear"]);
    let after = all(&before);
    assert_eq!(names(after.entry()), ["reshape", "transpose", "mat_mul", "broadcast", "binary", "reshape"]);
    let after = all(&linear(DType::Bf16, false));
    assert_eq!(names(after.entry()), ["reshape", "transpose", "mat_mul", "reshape"], "it rounds once");
    let after = all(&linear(DType::Bf16, true));
    assert_eq!(names(after.entry()).iter().filter(|name| **name == "cast").count(), 4);
}

#[test]
fn encoded_weights_are_decoded_first() {
    let before = trace(DType::Bf16, |scope| {
        let x = scope.input("x", TensorType::new(DType::Bf16, [3, 32]))?;
        let ty = TensorType::new(DType::Bf16, [4, 32]);
        let of = Box::new(Source::load("weight"));
        let encoding = Encoding::Nf4 { block: 16 };
        let source = Source::Quantize { encoding: encoding.clone(), of };
        x.linear(&scope.param_from("weight", ty, encoding, Some(source))?, None)
    });
    assert_eq!(names(all(&before).entry()), ["decode", "transpose", "mat_mul"]);
    let mut before = before;
    let Some(entry) = before.blocks.last_mut() else { return };
    entry.nodes[0].op = Op::Linear { activation: Activation::DynamicFp8 };
    let after = all(&before);
    assert!(names(after.entry()).contains(&"reduce"), "a scale a row");
}

#[test]
fn what_is_kept_is_kept_inside_definitions_too() {
    let before = trace(DType::Bf16, |scope| {
        let q = scope.input("q", TensorType::new(DType::Bf16, [1, 2, 5, 8]))?;
        let mask = scope.input("mask", TensorType::new(DType::Bf16, [1, 1, 1, 5]))?;
        q.attention(&q, &q, Some(&mask), 0.25)
    });
    let after = decompose(before.clone(), |_, node: &Node| matches!(node.op, Op::Softmax { .. })).unwrap();
    after.check().unwrap();
    assert!(names(after.entry()).contains(&"softmax"));
    assert_eq!(decompose(before.clone(), |_, _| true).unwrap(), before);
    all(&before);
}

#[test]
fn every_composite_has_a_definition() {
    for dtype in [DType::F32, DType::F16, DType::Bf16] {
        let x = |scope: &Scope, shape: &[usize]| scope.input("x", TensorType::new(dtype, shape));
        for form in [GeluForm::Erf, GeluForm::Tanh, GeluForm::Quick] {
            all(&trace(dtype, |scope| x(scope, &[3, 4])?.gelu(form)?.silu()?.softmax(0)));
        }
        for pairing in [Pairing::Interleaved, Pairing::Halves] {
            all(&trace(dtype, |scope| {
                let table = scope.input("table", TensorType::new(DType::F32, [5, 6]))?;
                x(scope, &[2, 3, 5, 6])?.rotary_embedding(&table, &table, pairing)
            }));
        }
        for affine in [false, true] {
            all(&trace(dtype, |scope| {
                let (w, b) = (scope.param("w", &[6])?, scope.param("b", &[6])?);
                let x = x(scope, &[2, 6, 5, 6])?;
                let y = x.group_norm(3, affine.then_some((&w, &b)), 1e-6)?;
                let y = y.layer_norm(affine.then_some((&w, &b)), 1e-6)?;
                y.rms_norm(affine.then_some(&w), 1e-6)?.upsample(&[2, 3])
            }));
        }
    }
}

#[test]
fn definitions_that_do_nothing_leave_their_operand() {
    let before =
        trace(DType::F32, |scope| scope.input("x", TensorType::new(DType::F32, [1, 2, 3]))?.upsample(&[1]));
    assert!(all(&before).entry().nodes.is_empty());
}

#[test]
fn custom_operations_and_called_blocks_are_decomposed() {
    let before = trace(DType::F32, |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [4]))?;
        let block = scope.block("block", &[x.ty()], |scope, x| {
            scope.custom("test.twice", Default::default(), &[&x[0]], |_, x| Ok(vec![x[0].silu()?.silu()?]))
        })?;
        Ok(block.call(scope, &[&x])?.remove(0))
    });
    let after = all(&before);
    assert_eq!(after.blocks.len(), 2, "the decomposition is nobody's any more");
    assert_eq!(names(&after.blocks[0]), ["unary", "binary", "unary", "binary"]);
}
