use super::apply::join_names;
use super::fuse_qkv;
use crate::{DType, Encoding, Op, Program, Result, Scope, Source, TensorType, Value};

fn ty(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn attention(scope: &Scope, x: &Value, bias: bool) -> Result<Value> {
    let linear = |name: &str, width: usize| {
        let scope = scope.child(name);
        let bias = if bias { Some(scope.param("bias", &[width])?) } else { None };
        x.linear(&scope.param("weight", &[width, 8])?, bias.as_ref())
    };
    let (q, k, v) = (linear("to_q", 8)?, linear("to_k", 8)?, linear("to_v", 4)?);
    q.matmul(&k.transpose(&[1, 0])?)?.matmul(&v)
}

fn names(program: &Program) -> Vec<&str> {
    program.entry().params.iter().map(|param| param.name.as_str()).collect()
}

fn linears(program: &Program) -> usize {
    program.blocks.iter().flat_map(|b| &b.nodes).filter(|n| matches!(n.op, Op::Linear { .. })).count()
}

fn fused(program: &Program) -> Program {
    let after = fuse_qkv(program.clone());
    after.check().unwrap();
    assert_eq!(fuse_qkv(after.clone()), after);
    after
}

#[test]
fn three_layers_become_one_and_three_slices() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[5, 8]))?;
        scope.output("y", &attention(&scope.child("attn"), &x, true)?)
    })
    .unwrap();
    let after = fused(&before);
    assert_eq!(names(&after), ["attn.to_q+to_k+to_v.weight", "attn.to_q+to_k+to_v.bias"]);
    let parts = ["attn.to_q.weight", "attn.to_k.weight", "attn.to_v.weight"].map(Source::load).to_vec();
    assert_eq!(after.sources[0], Source::Concat { axis: 0, parts });
    assert_eq!(after.entry().ty(after.entry().params[0].value).shape, [20, 8]);
    let ops: Vec<_> = after.entry().nodes.iter().map(|node| node.op.name()).collect();
    assert_eq!(ops, ["linear", "slice", "slice", "slice", "transpose", "mat_mul", "mat_mul"]);
    let Op::Slice { starts, ends, .. } = &after.entry().nodes[3].op else {
        return assert_eq!(ops[3], "slice");
    };
    assert_eq!((starts[1], ends[1]), (16, 20));
}

/// A block within a block, called from two places with other names each time.
fn nested(shared: bool) -> Program {
    Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[4, 8]))?;
        let outer = scope.block("outer", &[x.ty()], |scope, x| {
            let inner = scope.block("inner", &[x[0].ty()], |scope, x| {
                let scale = scope.param("norm.weight", &[8])?;
                Ok(vec![attention(scope, &x[0].rms_norm(Some(&scale), 1e-6)?, true)?])
            })?;
            let y = inner.call(&scope.child("a"), &[&x[0]])?.remove(0);
            let z = inner.call(&scope.child("b"), &[&x[0]])?.remove(0);
            Ok(vec![(&y + &z)?])
        })?;
        let y = outer.call(&scope.child(0), &[&x])?.remove(0);
        let z = outer.call(&scope.child(if shared { 0 } else { 1 }), &[&x])?.remove(0);
        scope.output("y", &(&y + &z)?)
    })
    .unwrap()
}

#[test]
fn callers_of_callers_pass_the_joined_parameter() {
    let before = nested(false);
    assert_eq!((linears(&before), names(&before).len()), (3, 28));
    let after = fused(&before);
    assert_eq!((linears(&after), after.blocks.len()), (1, before.blocks.len()));
    let mut found = names(&after);
    found.sort_unstable();
    let wanted = ["0.a", "0.b", "1.a", "1.b"].map(|at| format!("{at}.to_q+to_k+to_v.weight"));
    assert!(wanted.iter().all(|name| found.contains(&name.as_str())), "{found:?}");
    assert_eq!(found.len(), 12);
    let which = after.entry().params.iter().position(|param| param.name == wanted[2]).unwrap();
    let parts = ["q", "k", "v"].map(|x| Source::load(format!("1.a.to_{x}.weight"))).to_vec();
    assert_eq!(after.sources[which], Source::Concat { axis: 0, parts });
}

#[test]
fn parameters_that_two_calls_share_stay_shared() {
    let after = fused(&nested(true));
    assert_eq!((linears(&after), names(&after).len()), (1, 6));
}

#[test]
fn a_weight_with_another_reader_is_left_alone() {
    // At the entry, two levels above the layers.
    let mut before = nested(false);
    let entry = before.blocks.last_mut().unwrap();
    let weight = entry.params.iter().find(|param| param.name == "0.b.to_k.weight").unwrap().value;
    let output = crate::Port { name: "weight".into(), value: weight };
    entry.outputs.push(output);
    before.check().unwrap();
    let after = fused(&before);
    let (kept, joined) = ("1.a.to_k.weight", "1.a.to_q+to_v.weight");
    assert!(
        names(&after).contains(&kept) && names(&after).contains(&joined),
        "the block is one for all callers"
    );
}

#[test]
fn a_layer_that_cannot_join_does_not_keep_the_others_from_it() {
    let before = Program::trace("test", |scope| {
        let x = scope.input("x", ty(&[8, 8]))?;
        let y = attention(scope, &x, false)?;
        let k = scope.child("to_k").param("weight", &[8, 8])?;
        scope.output("y", &k.matmul(&y)?)
    })
    .unwrap();
    assert_eq!(names(&fused(&before)), ["to_k.weight", "to_q+to_v.weight"]);
}

#[test]
fn encoded_weights_join_what_they_quantize() {
    let trace = |encoding: Encoding| {
        Program::trace("test", |scope| {
            let x = scope.input("x", ty(&[4, 32]))?;
            let layer = |name: &str| {
                let source = Source::Quantize { encoding: encoding.clone(), of: Source::load(name).into() };
                x.linear(&scope.param_from(name, ty(&[32, 32]), encoding.clone(), Some(source))?, None)
            };
            scope.output("y", &layer("q")?.matmul(&layer("k")?.transpose(&[1, 0])?)?)
        })
        .unwrap()
    };
    let after = fused(&trace(Encoding::Nf4 { block: 16 }));
    assert!(
        matches!(&after.sources[..], [Source::Quantize { of, .. }] if matches!(**of, Source::Concat { .. }))
    );
    assert_eq!(names(&after), ["q+k"]);
    let format = crate::Fp8Format::E4m3;
    let before = trace(Encoding::Fp8 { format, scales: crate::ScaleGranularity::Tensor });
    assert_eq!(fused(&before), before);
}

#[test]
fn names_keep_what_they_share() {
    assert_eq!(join_names(&["a.q.weight", "a.k.weight"]), "a.q+k.weight");
    assert_eq!(join_names(&["norm.linear.weight", "attn.to_q.weight"]), "norm.linear+attn.to_q.weight");
    assert_eq!(join_names(&["q", "k"]), "q+k");
    assert_eq!(join_names(&["a", "a.b"]), "a.+b");
}
