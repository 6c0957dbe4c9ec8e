use crate::{DType, Op, Program, TensorType};

fn program() -> Program {
    Program::trace("mlp", |scope| {
        let x = scope.input("x", TensorType::new(DType::F32, [4, 8]))?;
        let count = scope.state("count", TensorType::new(DType::I32, [1]))?;
        let layer = scope.block("layer", &[x.ty()], |scope, x| {
            let y = x[0].linear(&scope.param("weight", &[8, 8])?, Some(&scope.param("bias", &[8])?))?;
            Ok(vec![(&y.silu()? + &x[0])?])
        })?;
        let y = layer.call(&scope.child("layers.0"), &[&x])?;
        let y = layer.call(&scope.child("layers.1"), &[&y[0]])?;
        let y = (&y[0] * &scope.param("scale", &[8])?)?;
        scope.output("y", &y.slice(1, 2, 6)?)?;
        scope.update(&count, &(count.value() + 1.0)?)
    })
    .unwrap()
}

/// The text without its hashes, which other tests hold.
fn lines(program: &Program) -> Vec<String> {
    let text = program.to_string();
    let plain = |line: &str| match line.strip_prefix("block ") {
        Some(_) => line.rsplit_once(", ").unwrap().0.to_string(),
        None => line.to_string(),
    };
    text.lines().map(plain).collect()
}

#[test]
fn a_program_reads_block_by_block() {
    let program = program();
    assert_eq!(
        lines(&program).join("\n"),
        "\
block layer, 2 runs
  input  %0: f32[4, 8]
  param  @weight: f32[8, 8]
  param  @bias: f32[8]
  %3 = linear %0, @weight, @bias : f32[4, 8]
  %4 = silu %3                   : f32[4, 8]
  %5 = add %4, %0                : f32[4, 8]
  output %5

block mlp, 1 run
  input  %0 x: f32[4, 8]
  param  @scale: f32[8]
  param  4 more, of what it calls
  state  %6 count: i32[1]
  %7 = call layer(%0; layers.0.*) : f32[4, 8]
  %8 = call layer(%7; layers.1.*) : f32[4, 8]
  %9 = broadcast @scale           : f32[4, 8]
  %10 = mul %8, %9                : f32[4, 8]
  %11 = slice [:, 2:6] %10        : f32[4, 4]
  %12 = constant 1                : i32[]
  %13 = broadcast %12             : i32[1]
  %14 = add %6, %13               : i32[1]
  output %11 y
  update count = %14"
    );
}

#[test]
fn the_hash_is_the_blocks_own() {
    let program = program();
    let text = program.to_string();
    for hash in program.hashes() {
        assert!(text.contains(&hash.to_string()[..16]), "{hash}");
    }
}

#[test]
fn a_block_alone_has_numbers_for_what_it_calls() {
    let text = program().entry().to_string();
    assert!(text.starts_with("block mlp\n") && text.contains("call block 0(%0"), "{text}");
}

#[test]
fn parameters_that_share_no_prefix_are_named_one_by_one() {
    let mut program = program();
    let entry = program.blocks.last_mut().unwrap();
    let weight = entry.params.iter().position(|param| param.name == "layers.1.weight").unwrap();
    entry.params[weight].name = "elsewhere.weight".into();
    let text = program.to_string();
    assert!(text.contains("; @elsewhere.weight, @layers.1.bias)"), "{text}");
    assert!(text.contains("; layers.0.*)"), "{text}");
}

#[test]
fn every_operation_has_a_line() {
    // A Program by hand may hold whatever its format allows, sense or not: text must come of it all the same.
    let mut program = program();
    let entry = program.blocks.last_mut().unwrap();
    for node in &mut entry.nodes {
        node.op = Op::Call { block: crate::BlockId(77) };
        node.inputs.push(crate::ValueId(9999));
    }
    assert!(program.entry().to_string().contains("%9999"));
}
