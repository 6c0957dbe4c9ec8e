//! What holds for every prompt, schedule and size.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use std::path::PathBuf;
use std::sync::LazyLock;
use tintype_pipeline::random::{Generator, NoiseDtype};
use tintype_pipeline::scheduler::{
    DpmSolverMultistep, FlowMatchEulerDiscrete, Sampler, ScheduleRequest, StepTable, TimeShift, first_step,
};
use tintype_pipeline::tokenizer::{Tokenizer, TokenizerKind};

static TOKENIZERS: LazyLock<Vec<Tokenizer>> = LazyLock::new(|| {
    let models = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/models");
    let open = |folder: &str, kind| Tokenizer::open(&models.join(folder), kind).unwrap();
    vec![
        open("flux-base/tokenizer", TokenizerKind::Clip),
        open("flux-tokenizer-json/tokenizer", TokenizerKind::Clip),
        open("flux-base/tokenizer_2", TokenizerKind::T5),
        open("flux-spiece-only/tokenizer_2", TokenizerKind::T5),
    ]
});

/// Runs a table with a model that always predicts the velocity towards `clean`.
fn denoise(table: &StepTable, start: f32, clean: f32) -> f32 {
    let (mut sample, mut history) = (vec![start], [vec![], vec![]]);
    for row in &table.rows {
        let velocity = [(sample[0] - clean) / row.sigma];
        let (next, x0) = row.apply(&sample, &velocity, [&history[0], &history[1]], &[]);
        history = [x0, std::mem::take(&mut history[0])];
        sample = next;
    }
    sample[0]
}

proptest! {
    #[test]
    fn prompts_fill_exactly_the_length(text in "\\PC{0,40}|[a-z <|>/_']{0,60}|.{0,40}", length in 2usize..40) {
        for tokenizer in TOKENIZERS.iter() {
            let encoded = tokenizer.encode(&text, length).unwrap();
            prop_assert_eq!(encoded.ids.len(), length);
            prop_assert_eq!(encoded.ids[encoded.eos_position], tokenizer.eos_id());
            prop_assert_eq!(encoded.truncated.is_some(), tokenizer.ids(&text).unwrap().len() > length);
        }
    }

    #[test]
    fn flow_levels_fall_from_one_to_zero(steps in 1usize..60, tokens in 1usize..20_000, linear in any::<bool>()) {
        let time_shift_type = if linear { TimeShift::Linear } else { TimeShift::Exponential };
        let flow = FlowMatchEulerDiscrete { use_dynamic_shifting: true, time_shift_type, ..Default::default() };
        let sigmas = flow.sigmas(&ScheduleRequest::text_to_image(steps, tokens)).unwrap();
        prop_assert_eq!((sigmas.len(), sigmas[0], sigmas[steps]), (steps + 1, 1.0, 0.0));
        prop_assert!(sigmas.windows(2).all(|pair| pair[0] > pair[1]));
    }

    #[test]
    fn every_scheduler_reaches_a_steady_prediction(
        steps in 1usize..40, order in 1u32..=3, start in -3f32..3.0, clean in -3f32..3.0, strength in 0.2f64..=1.0,
    ) {
        let dpm = DpmSolverMultistep {
            use_flow_sigmas: Some(true),
            prediction_type: "flow_prediction".into(),
            solver_order: order,
            flow_shift: Some(3.0),
            ..Default::default()
        };
        let mut request = ScheduleRequest::text_to_image(steps, 1024);
        request.strength = Some(strength).filter(|s| first_step(steps, *s).is_ok());
        for table in [dpm.table(&request).unwrap(), FlowMatchEulerDiscrete::default().table(&request).unwrap()] {
            prop_assert_eq!(table.rows.len() + table.first, steps);
            prop_assert!(table.rows.iter().all(|row| row.timestep.is_finite() && row.c_hist1.is_finite()));
            prop_assert!((denoise(&table, start, clean) - clean).abs() < 1e-3);
        }
    }

    #[test]
    fn noise_depends_on_nothing_but_seed_and_dtype(seed in any::<u64>(), count in 0usize..70) {
        for dtype in [NoiseDtype::F32, NoiseDtype::BF16, NoiseDtype::F16] {
            let first = Generator::new(seed).randn(dtype, count);
            prop_assert_eq!(&first, &Generator::new(seed & 0xffff_ffff).randn(dtype, count));
            prop_assert!(first.iter().all(|value| value.is_finite()));
        }
    }
}
