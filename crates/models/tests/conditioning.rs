//! The Flux denoiser in two parts: what is computed once a picture, and what is left of every step.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use tintype_models::flux::{self, ConditioningSizes, Config, DenoiserInputs};
use tintype_program::{DType, Op, Program, TensorType};

const SIZES: ConditioningSizes = ConditioningSizes { text_tokens: 512, steps: 28, capacity: 64 };

fn dev() -> Config {
    Config::from_json(r#"{"guidance_embeds": true}"#).unwrap()
}

/// What is left of a step at 1024 by 1024.
fn step(config: &Config, batch: usize) -> Program {
    Program::trace("step", |scope| {
        let scope = &scope.with_dtype(DType::Bf16);
        let of = |name: &str, shape: &[usize]| scope.input(name, TensorType::new(DType::Bf16, shape));
        let table = |name: &str| scope.input(name, TensorType::new(DType::F32, [4608, 128]));
        let velocity = flux::denoiser(
            scope,
            config,
            &DenoiserInputs {
                hidden_states: &of("hidden_states", &[batch, 4096, 64])?,
                text: &of("text", &[batch, 512, 3072])?,
                modulations: &of("modulations", &[1, 1, config.modulation_width()])?,
                rope_cos: &table("rope_cos")?,
                rope_sin: &table("rope_sin")?,
            },
        )?;
        scope.output("output", &velocity)
    })
    .unwrap()
}

fn names(program: &Program) -> BTreeSet<String> {
    program.entry().params.iter().map(|param| param.name.clone()).collect()
}

#[test]
fn the_two_parts_are_the_whole() {
    let config = dev();
    let once = flux::conditioning_program(&config, SIZES, DType::Bf16).unwrap();
    let step = step(&config, 1);
    let sizes = flux::Sizes { batch: 1, text_tokens: 512, image_tokens: 4096 };
    let whole = flux::program(&config, sizes, DType::Bf16).unwrap();
    assert!(names(&once).is_disjoint(&names(&step)), "no weight is read twice");
    assert_eq!(names(&once).union(&names(&step)).cloned().collect::<BTreeSet<_>>(), names(&whole));
    assert_eq!(step.runs_of_blocks(), [19, 38, 1]);
    assert_eq!(step.hashes()[..2], whole.hashes()[..2], "the blocks are the same");
}

#[test]
fn modulations_of_all_steps_are_one_product_a_layer() {
    let config = dev();
    assert_eq!(config.modulation_width(), (2 * 19 * 6 + 38 * 3 + 2) * 3072);
    let program = flux::conditioning_program(&config, SIZES, DType::Bf16).unwrap();
    let entry = program.entry();
    let linears = entry.nodes.iter().filter(|node| matches!(node.op, Op::Linear { .. })).count();
    assert_eq!(linears, 1 + 3 * 2 + 2 * 19 + 38 + 1);
    let outputs: Vec<_> =
        entry.outputs.iter().map(|port| (&*port.name, entry.ty(port.value).clone())).collect();
    let table = TensorType::new(DType::Bf16, [64, config.modulation_width()]);
    assert_eq!(outputs, [("text", TensorType::new(DType::Bf16, [1, 512, 3072])), ("modulations", table)]);
}

#[test]
fn a_batch_shares_one_row() {
    let step = step(&dev(), 3);
    let double = &step.blocks[0];
    assert_eq!(double.ty(double.inputs[2].value).shape, [1, 1, 6 * 3072]);
    assert_eq!(double.ty(double.inputs[0].value).shape, [3, 4096, 3072]);
}

#[test]
fn more_steps_than_rows_are_refused() {
    let sizes = ConditioningSizes { steps: 65, ..SIZES };
    assert!(flux::conditioning_program(&dev(), sizes, DType::F32).is_err());
}
