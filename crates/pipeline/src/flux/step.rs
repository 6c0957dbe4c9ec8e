//! One denoising step as a Program: denoiser, guidance, scheduler's update. All that changes between steps is read
//! from tables by a step counter that the Program itself advances; all that changes between pictures is an input.
//! What a step needs of the prompt, the guidance and the times is computed before the first step ([`super::denoiser`]).

use crate::Arithmetic;
use crate::scheduler::{StepRow, StepTable};
use tintype_models::flux::{self, Config};
use tintype_program::{DType, Program, Result, TensorType, Value};

/// What a step Program is traced for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepShape {
    pub(crate) batch: usize,
    pub(crate) image_tokens: usize,
    pub(crate) text_tokens: usize,
    /// Whether the denoiser runs for a negative prompt too.
    pub(crate) true_cfg: bool,
    /// Earlier predictions that the scheduler uses.
    pub(crate) history: usize,
    /// Whether the estimate of the picture without noise is kept in a state of its own.
    pub(crate) preview: bool,
    /// Rows of the tables; [`capacity`] of the number of steps.
    pub(crate) capacity: usize,
    pub(crate) arithmetic: Arithmetic,
}

/// Rows that tables get for so many steps: other numbers of steps up to it use the same Program.
pub(crate) fn capacity(steps: usize) -> usize {
    steps.next_power_of_two().max(64)
}

/// Coefficients of one row of [`coefficients`].
pub(crate) const COEFFICIENTS: usize = 6;

/// The scheduler's table as the Program reads it, `[capacity, COEFFICIENTS]`.
pub(crate) fn coefficients(table: &StepTable, capacity: usize) -> Vec<f32> {
    let row = |r: &StepRow| [r.a_sample, r.a_model, r.c_sample, r.c_x0, r.c_hist0, r.c_hist1];
    let mut values: Vec<f32> = table.rows.iter().flat_map(row).collect();
    values.resize(capacity.saturating_mul(COEFFICIENTS), 0.0);
    values
}

/// Traces the step. States: `latents`, `step`, `history_0` and `history_1` as far as the scheduler has them, `x0` for
/// previews.
pub(crate) fn step_program(config: &Config, shape: &StepShape) -> Result<Program> {
    let Arithmetic { dtype, quantize } = shape.arithmetic;
    let program = Program::trace("flux_step", |scope| {
        let scope = &scope.with_dtype(dtype);
        let f32 = |extents: &[usize]| TensorType::new(DType::F32, extents);
        let own = |extents: &[usize]| TensorType::new(dtype, extents);
        let tokens = [shape.batch, shape.image_tokens, config.in_channels];

        let latents = scope.state("latents", own(&tokens))?;
        let step = scope.state("step", TensorType::new(DType::I32, [1]))?;
        let row = |name: &str, ty: TensorType| scope.input(name, ty)?.gather(0, step.value());
        let coefficients = row("coefficients", f32(&[shape.capacity, COEFFICIENTS]))?;
        let angles = f32(&[shape.text_tokens + shape.image_tokens, config.attention_head_dim]);
        let (cos, sin) = (scope.input("rope_cos", angles.clone())?, scope.input("rope_sin", angles)?);
        let told = |text: &str, modulations: &str| -> Result<(Value, Value)> {
            let (tokens, width) = (shape.text_tokens, config.width());
            let text =
                scope.input(text, own(&[1, tokens, width]))?.broadcast_to(&[shape.batch, tokens, width])?;
            let width = config.modulation_width();
            let modulations = row(modulations, own(&[shape.capacity, width]))?.reshape(&[1, 1, width])?;
            Ok((text, modulations))
        };
        let (text, modulations) = told("text", "modulations")?;

        let arguments = [latents.value(), &text, &modulations, &cos, &sin];
        let denoiser =
            scope.block("flux_denoiser", &arguments.map(|value| value.ty()), |scope, arguments| {
                let [hidden_states, text, modulations, rope_cos, rope_sin] = arguments else {
                    return Ok(vec![]);
                };
                let inputs = flux::DenoiserInputs { hidden_states, text, modulations, rope_cos, rope_sin };
                Ok(vec![flux::denoiser(scope, config, &inputs)?])
            })?;
        let predict = |text: &Value, modulations: &Value| -> Result<Value> {
            let arguments = [latents.value(), text, modulations, &cos, &sin];
            denoiser.call(scope, &arguments)?.remove(0).cast(DType::F32)
        };
        let mut predicted = predict(&text, &modulations)?;
        if shape.true_cfg {
            let (text, modulations) = told("negative_text", "negative_modulations")?;
            let negative = predict(&text, &modulations)?;
            let scale = scope.input("true_cfg", f32(&[1, 1, 1]))?;
            predicted = (&negative + &(&scale * &(&predicted - &negative)?)?)?;
        }

        let coefficient = |i: usize| coefficients.slice(1, i, i + 1)?.reshape(&[1, 1, 1]);
        let sample = latents.value().cast(DType::F32)?;
        let x0 = (&(&coefficient(0)? * &sample)? + &(&coefficient(1)? * &predicted)?)?;
        if shape.preview {
            let state = scope.state("x0", f32(&tokens))?;
            scope.update(&state, &x0)?;
        }
        let mut next = (&(&coefficient(2)? * &sample)? + &(&coefficient(3)? * &x0)?)?;
        let mut newest = x0;
        for i in 0..shape.history {
            let past = scope.state(&format!("history_{i}"), f32(&tokens))?;
            next = (&next + &(&coefficient(4 + i)? * past.value())?)?;
            scope.update(&past, &newest)?;
            newest = past.value().clone();
        }
        scope.update(&latents, &next.cast(dtype)?)?;
        scope.update(&step, &(step.value() + 1.0)?)
    })?;
    Ok(match quantize {
        Some(quantization) => quantization.apply(program),
        None => program,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Quantization;

    fn shape() -> StepShape {
        StepShape {
            batch: 1,
            image_tokens: 16,
            text_tokens: 8,
            true_cfg: false,
            history: 0,
            preview: false,
            capacity: 64,
            arithmetic: DType::Bf16.into(),
        }
    }

    /// Hashes of every block but the entry, the step itself.
    fn inner(shape: &StepShape) -> Vec<tintype_program::BlockHash> {
        let config = Config { guidance_embeds: true, ..Config::default() };
        let mut hashes = step_program(&config, shape).unwrap().hashes();
        hashes.pop();
        hashes
    }

    #[test]
    fn schedulers_steps_and_guidance_modes_leave_the_denoiser_as_it_is() {
        let plain = inner(&shape());
        assert_eq!(plain.len(), 3, "a double block, a single block, and the denoiser that calls them");
        for other in [
            StepShape { history: 2, ..shape() },
            StepShape { true_cfg: true, ..shape() },
            StepShape { preview: true, ..shape() },
            StepShape { capacity: capacity(1000), ..shape() },
        ] {
            assert_eq!(inner(&other), plain, "{other:?}");
        }
        assert_ne!(
            inner(&StepShape { image_tokens: 64, ..shape() }),
            plain,
            "another size is another denoiser"
        );
    }

    #[test]
    fn what_is_quantized_are_the_blocks_layers_at_every_size() {
        let config = Config::default();
        let encoded = |shape: StepShape| {
            let program = step_program(&config, &shape).unwrap();
            program.check().unwrap();
            let params = program.entry().params.iter();
            params.map(|param| (param.name.clone(), param.encoding.clone())).collect::<Vec<_>>()
        };
        for quantization in Quantization::ALL {
            let arithmetic = Arithmetic { quantize: Some(quantization), ..shape().arithmetic };
            let usual = encoded(StepShape { arithmetic, ..shape() });
            let names =
                |(name, encoding): &(String, _)| (*encoding == quantization.encoding()).then(|| name.clone());
            let quantized: Vec<_> = usual.iter().filter_map(names).collect();
            // Twelve layers of each double block, five of each single one.
            assert_eq!(quantized.len(), 19 * 12 + 38 * 5, "{quantized:?}");
            assert!(
                quantized
                    .iter()
                    .all(|name| name.contains("transformer_blocks.") && name.ends_with(".weight"))
            );
            let other = StepShape { image_tokens: 1, text_tokens: 3, true_cfg: true, arithmetic, ..shape() };
            assert_eq!(encoded(other), usual);
        }
    }

    #[test]
    fn guidance_runs_one_denoiser_twice() {
        let program = step_program(&Config::default(), &StepShape { true_cfg: true, ..shape() }).unwrap();
        assert_eq!(program.runs_of_blocks(), [2 * 19, 2 * 38, 2, 1]);
    }
}
