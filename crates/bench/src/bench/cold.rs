//! From the start of a program to its first denoising step, and what stands in between.

use super::pipeline::{STEPS, request, source, write};
use super::{Options, blank};
use crate::result::{BenchResult, Mark, Seconds, Startup};
use crate::{Result, environment};
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::Accelerator;
use tintype_pipeline::{CancelToken, Event, Pipeline, PipelineOptions};

/// Makes one picture in a process that has just begun, and says when what was done. `started` is when it began; the device
/// is open now. What the vendor's own parts take ([`Startup::bare`]) only another process can find out.
///
/// # Errors
///
/// As [`super::Bench::open`] for a pipeline.
pub fn cold(started: Instant, accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<BenchResult> {
    let mut marks = Marks { started, drawing: 0.0, marks: Vec::new(), loading: None, loaded: 0, load: 0.0 };
    marks.mark("device opened".into());
    let before = marks.at();
    let from = source(options)?;
    // Drawing weights is no part of what is measured.
    marks.drawing = marks.at() - before;
    let how =
        PipelineOptions { dtype: options.dtype, quantize: Some(options.quantize), launch: options.launch };
    let stats = accelerator.stats();
    let mut pipeline = Pipeline::open(from.root.clone(), Arc::clone(accelerator), how)?;
    marks.mark("model opened".into());
    let request = request(options, &from);
    let mut first = None;
    let made = pipeline.generate(
        &request,
        &mut |event: Event| {
            if let Some(step) = marks.hear(event) {
                first.get_or_insert(step);
            }
        },
        &CancelToken::default(),
    )?;
    marks.mark("picture".into());
    if options.png.is_some() {
        write(&made, options)?;
        marks.mark("PNG".into());
    }
    let picture = marks.at();
    let (first_step, loaded, loading) = first.unwrap_or((picture, marks.loaded, marks.load));
    let sizes = [
        ("width", request.width),
        ("height", request.height),
        ("text_tokens", request.max_sequence_length),
        ("steps", Some(options.steps.unwrap_or(STEPS))),
        ("pictures", request.count),
        ("batch_size", request.batch_size),
    ];
    let start = (accelerator.stats() - stats).into();
    Ok(BenchResult {
        model: from.root.display().to_string(),
        sizes: sizes.into_iter().filter_map(|(name, size)| Some((name.to_string(), size? as u64))).collect(),
        dtype: pipeline.dtype().name().into(),
        quantize: options.quantize.map(|quantization| quantization.name().into()),
        launch: pipeline.launch().name().into(),
        seconds: Seconds { cold: picture, ..Seconds::default() },
        memory: accelerator.memory().into(),
        counters: crate::Counters { start, ..Default::default() },
        startup: Some(Startup { marks: marks.marks, first_step, loaded, loading, bare: None }),
        date: environment::date(),
        ..blank(&**accelerator, "cold", options.threads)
    })
}

/// What has been done by when.
struct Marks {
    started: Instant,
    /// Seconds that do not count.
    drawing: f64,
    marks: Vec<Mark>,
    /// When the weights that are on their way were begun.
    loading: Option<f64>,
    /// Bytes of weights that are there, and the seconds that it took.
    loaded: u64,
    load: f64,
}

impl Marks {
    fn at(&self) -> f64 {
        self.started.elapsed().as_secs_f64() - self.drawing
    }

    fn mark(&mut self, name: String) {
        let at = self.at();
        self.marks.push(Mark { name, at });
    }

    /// Marks what an event tells. Of the first step: when it was done, and what had been loaded by then.
    fn hear(&mut self, event: Event) -> Option<(f64, u64, f64)> {
        match event {
            Event::Encoding => self.mark("found to fit".into()),
            Event::Compiling { stage } => self.mark(format!("{stage} traced")),
            Event::Loading { component, done: 0, .. } => {
                self.mark(format!("{component} compiled"));
                self.loading = Some(self.at());
            }
            Event::Loading { component, done, total } if done == total => {
                self.mark(format!("{component} loaded"));
                self.load += self.at() - self.loading.take().unwrap_or_else(|| self.at());
                self.loaded += total;
            }
            Event::Step { done: 1, .. } => {
                self.mark("first step".into());
                return Some((self.at(), self.loaded, self.load));
            }
            Event::Step { done, total, .. } if done == total => self.mark("last step".into()),
            _ => {}
        }
        None
    }
}
