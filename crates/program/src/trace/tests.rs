use crate::{DType, Error, Op, Program, Result, TensorType, Value, trace::Scope};

fn f32(shape: &[usize]) -> TensorType {
    TensorType::new(DType::F32, shape)
}

fn layer(scope: &Scope, x: &Value) -> Result<Value> {
    let width = x.shape()[1];
    let y = x.linear(&scope.param("weight", &[width, width])?, Some(&scope.param("bias", &[width])?))?;
    &y + x
}

fn stack(depth: usize, name: &str) -> Program {
    Program::trace(name, |scope| {
        let mut x = scope.input("x", f32(&[4, 8]))?;
        let block = scope.block(name, &[x.ty()], |scope, x| Ok(vec![layer(scope, &x[0])?]))?;
        for i in 0..depth {
            x = block.call(&scope.child("layers").child(i), &[&x])?.remove(0);
        }
        scope.output("y", &x)
    })
    .unwrap()
}

#[test]
fn a_block_called_often_is_one_block() {
    let program = stack(5, "layer");
    assert_eq!(program.blocks.len(), 2);
    assert_eq!(program.runs_of_blocks(), [5, 1]);
    let names: Vec<_> = program.entry().params.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names[..3], ["layers.0.weight", "layers.0.bias", "layers.1.weight"]);
}

#[test]
fn hashes_do_not_depend_on_names_or_callers() {
    let (a, b) = (stack(5, "layer").hashes(), stack(3, "other").hashes());
    assert_eq!(a[0], b[0], "the block is the same");
    assert_ne!(a[1], b[1], "the entries call it another number of times");
}

#[test]
fn equal_blocks_traced_twice_become_one() {
    let program = Program::trace("twice", |scope| {
        let mut x = scope.input("x", f32(&[4, 8]))?;
        for i in 0..3 {
            let block = scope.block(&format!("b{i}"), &[x.ty()], |s, x| Ok(vec![layer(s, &x[0])?]))?;
            x = block.call(&scope.child(i), &[&x])?.remove(0);
        }
        scope.output("y", &x)
    })
    .unwrap();
    assert_eq!(program.blocks.len(), 2);
}

#[test]
fn a_wrong_shape_fails_where_it_is_made() {
    let error = Program::trace("wrong", |scope| {
        let (a, b) = (scope.input("a", f32(&[2, 3]))?, scope.input("b", f32(&[4, 5]))?);
        a.matmul(&b)?;
        Ok(())
    })
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("mat_mul") && error.contains("f32[2, 3]") && error.contains("tests.rs:"),
        "{error}"
    );
}

#[test]
fn values_do_not_leak_between_blocks() {
    let error = Program::trace("leak", |scope| {
        let x = scope.input("x", f32(&[4]))?;
        scope.block("inner", &[], |_, _| Ok(vec![(&x + 1.0)?]))?;
        Ok(())
    });
    assert!(matches!(error, Err(Error::ForeignValue { .. })));
}

#[test]
fn states_keep_their_type() {
    let program = Program::trace("counter", |scope| {
        let step = scope.state("step", TensorType::new(DType::I32, [1]))?;
        scope.update(&step, &(step.value() + 1.0)?)
    })
    .unwrap();
    assert_ne!(program.entry().states[0].value, program.entry().states[0].next);
    let error = Program::trace("wrong", |scope| {
        let step = scope.state("step", TensorType::new(DType::I32, [1]))?;
        scope.update(&step, &step.value().cast(DType::F32)?)
    });
    assert!(error.is_err());
}

#[test]
fn json_round_trips_and_versions_are_checked() {
    let program = stack(2, "layer");
    let json = program.to_json().unwrap();
    assert_eq!(Program::from_json(&json).unwrap(), program);
    let other = json.replacen("\"version\":1", "\"version\":99", 1);
    assert!(matches!(Program::from_json(&other), Err(Error::Version { found: 99, .. })));
}

#[test]
fn custom_operations_carry_their_decomposition() {
    let program = Program::trace("custom", |scope| {
        let x = scope.input("x", f32(&[4]))?;
        let y = scope.custom("test.double", Default::default(), &[&x], |_, x| Ok(vec![(&x[0] + &x[0])?]))?;
        scope.output("y", &y[0])
    })
    .unwrap();
    assert!(matches!(&program.entry().nodes[0].op, Op::Custom { name, .. } if name == "test.double"));
}
