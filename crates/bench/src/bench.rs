//! Running a benchmark: once cold, once warm, then again and again.

use crate::process::MemoryWatch;
use crate::result::{
    BenchResult, Counters, DeviceUsed, Memory, OperationCount, ProcessMemory, SCHEMA, Seconds, StepSeconds,
    Throughput, Work,
};
use crate::{Error, Result, Summary, environment};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::{Accelerator, LaunchMode, Stats};
use tintype_pipeline::Quantization;
use tintype_pipeline::folder::Location;
use tintype_program::DType;

mod cold;
mod module;
mod pipeline;
mod sizes;
mod steps;
mod upload;

pub use cold::cold;
pub use sizes::sizes;
pub use upload::upload;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// The Flux denoiser, one step of one picture.
    Transformer,
    /// The decoder of an autoencoder.
    Vae,
    /// The T5 encoder.
    T5,
    /// The CLIP text encoder.
    Clip,
    /// A prompt to a picture.
    Pipeline,
}

/// How it is measured. What is not said comes from the preset, the folder or the device.
#[derive(Clone, Debug)]
pub struct Options {
    /// What.
    pub what: What,
    /// A model by name, with random weights; the first of its kind where neither it nor a folder is given.
    pub preset: Option<String>,
    /// A model's folder in the diffusers layout: of the component, or of the whole model. Weights are read from it.
    pub model: Option<PathBuf>,
    /// The model folder whose tokenizers a pipeline with random weights takes: they cannot be drawn.
    pub tokenizers: Option<Location>,
    /// The dtype of weights and arithmetic; f32 for random weights.
    pub dtype: Option<DType>,
    /// What the blocks of a denoiser are quantized to.
    pub quantize: Option<Quantization>,
    /// The launch mode.
    pub launch: Option<LaunchMode>,
    /// Threads that the device was opened with, to be told in the result.
    pub threads: Option<usize>,
    /// Pixels across.
    pub width: Option<usize>,
    /// Pixels down.
    pub height: Option<usize>,
    /// Tokens of text.
    pub text_tokens: Option<usize>,
    /// Pixels across and down of each size that [`sizes()`] goes through.
    pub sizes: Vec<[usize; 2]>,
    /// Whether [`upload()`] copies a file's mapped pages in place of reading the file.
    pub mapped: bool,
    /// Where a pipeline writes each picture as a PNG, one over the other: a run ends when the last is there too.
    pub png: Option<PathBuf>,
    /// Denoising steps: of a pipeline, 4 where it is not said; of the transformer, as many steps as a pipeline runs them, what
    /// is computed once before them included, in place of one run of the whole module.
    pub steps: Option<usize>,
    /// Pictures of a pipeline's run.
    pub count: usize,
    /// Pictures that a pipeline makes at once.
    pub batch_size: usize,
    /// Of random weights and inputs, and of a pipeline's noise.
    pub seed: u64,
    /// Runs after the cold and the warm one that are not counted.
    pub warmup: usize,
    /// Runs that are counted.
    pub repeats: usize,
}

impl What {
    /// All.
    pub const ALL: [What; 5] = [What::Transformer, What::Vae, What::T5, What::Clip, What::Pipeline];

    /// The name on the command line and in results.
    pub const fn name(self) -> &'static str {
        match self {
            What::Transformer => "transformer",
            What::Vae => "vae",
            What::T5 => "t5",
            What::Clip => "clip",
            What::Pipeline => "pipeline",
        }
    }

    /// The component's folder within a Flux model's.
    pub(crate) const fn folder(self) -> &'static str {
        match self {
            What::Transformer => "transformer",
            What::Vae => "vae",
            What::T5 => "text_encoder_2",
            What::Clip => "text_encoder",
            What::Pipeline => ".",
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for What {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let names = What::ALL.map(What::name).join(", ");
        let found = What::ALL.into_iter().find(|what| what.name() == text);
        found.ok_or_else(|| format!("`{text}` cannot be measured; there are {names}"))
    }
}

impl Options {
    /// The defaults for `what`: one warm-up run, ten repeats.
    pub fn of(what: What) -> Self {
        Self {
            what,
            preset: None,
            model: None,
            tokenizers: None,
            dtype: None,
            quantize: None,
            launch: None,
            threads: None,
            width: None,
            height: None,
            text_tokens: None,
            sizes: vec![[1024, 1024], [1360, 768], [512, 512]],
            mapped: false,
            png: None,
            steps: None,
            count: 1,
            batch_size: 1,
            seed: 0,
            warmup: 1,
            repeats: 10,
        }
    }
}

/// What a subject knows of itself.
struct About {
    model: String,
    dtype: DType,
    launch: LaunchMode,
    sizes: BTreeMap<String, u64>,
    work: Work,
    operations: BTreeMap<String, OperationCount>,
    /// What attention became.
    attention: Vec<String>,
    planned_arena: Option<u64>,
    /// Pictures of a run; none where a run makes none.
    pictures: Option<u64>,
    /// Seconds of the first run.
    cold: f64,
}

/// Something that runs again and again.
trait Subject {
    fn about(&self) -> &About;
    /// One run, to its results.
    fn run(&mut self) -> Result<()>;
    /// The steps of a run, and the seconds of what comes before them, measured now; none of a subject without.
    fn before_steps(&mut self) -> Result<Option<(usize, f64)>> {
        Ok(None)
    }
    /// Writes inputs and outputs of the last run to a folder.
    fn save(&self, folder: &Path) -> Result<()>;
    /// Seconds of the call that enqueues a run, the device's queue being empty, after which the run is waited for. None
    /// for what enqueues in more than one call.
    fn launch(&mut self) -> Result<Option<f64>>;
    /// Seconds of a run among so many that are enqueued behind each other. None as for [`Subject::launch`].
    fn busy(&mut self, runs: usize) -> Result<Option<f64>>;
    /// Refuses outputs that are not finite.
    fn check(&self) -> Result<()>;
}

/// A model on a device that has run and can be run again.
pub struct Bench {
    accelerator: Arc<dyn Accelerator>,
    options: Options,
    subject: Box<dyn Subject>,
    warm: f64,
    /// Seconds of all that is not counted, the cold run among it.
    warming: f64,
    /// As [`Subject::before_steps`].
    steps: Option<(usize, f64)>,
    start: Stats,
    warmed: Stats,
    process: Option<ProcessMemory>,
    /// Seconds of the calls that enqueue a run into an empty queue.
    launches: Vec<f64>,
    busy: Option<f64>,
}

impl Bench {
    /// Makes the model, and runs it: once cold, once warm, then the warm-up.
    ///
    /// # Errors
    ///
    /// Options that fit no model, whatever is wrong with a folder, whatever the device reports, and outputs that are not
    /// finite.
    pub fn open(accelerator: Arc<dyn Accelerator>, options: Options) -> Result<Self> {
        let watch = MemoryWatch::start();
        let before = accelerator.stats();
        let mut subject: Box<dyn Subject> = match (options.what, options.steps) {
            (What::Pipeline, _) => Box::new(pipeline::PipelineSubject::open(&accelerator, &options)?),
            (What::Transformer, Some(steps)) => {
                Box::new(steps::StepsSubject::open(&accelerator, &options, steps)?)
            }
            (what, Some(steps)) => return Err(no_steps(what, steps)),
            (_, None) => Box::new(module::ModuleSubject::open(&accelerator, &options)?),
        };
        subject.check()?;
        let warm = timed(&mut *subject)?;
        let mut warming = subject.about().cold + warm;
        for _ in 0..options.warmup {
            warming += timed(&mut *subject)?;
        }
        let steps = subject.before_steps()?;
        let warmed = accelerator.stats();
        let process = watch.map(MemoryWatch::finish);
        Ok(Self {
            accelerator,
            options,
            subject,
            warm,
            warming,
            steps,
            start: warmed - before,
            warmed,
            process,
            launches: Vec::new(),
            busy: None,
        })
    }

    /// The dtype of the arithmetic.
    pub fn dtype(&self) -> DType {
        self.subject.about().dtype
    }

    /// Seconds of the cold run.
    pub fn cold(&self) -> f64 {
        self.subject.about().cold
    }

    /// Runs once; the seconds it took.
    ///
    /// # Errors
    ///
    /// Whatever the device reports.
    pub fn once(&mut self) -> Result<f64> {
        timed(&mut *self.subject)
    }

    /// Writes `inputs.safetensors` and `outputs.safetensors` of the last run to `folder`.
    ///
    /// # Errors
    ///
    /// [`Error::File`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        let made = std::fs::create_dir_all(folder);
        made.map_err(|e| Error::File { path: folder.to_path_buf(), reason: e.to_string() })?;
        self.subject.save(folder)
    }

    /// The repeats that the options ask for.
    ///
    /// # Errors
    ///
    /// As [`Bench::once`].
    pub fn run(&mut self) -> Result<BenchResult> {
        self.time_launches()?;
        let steady = (0..self.options.repeats).map(|_| self.once()).collect::<Result<Vec<_>>>()?;
        Ok(self.result(steady))
    }

    /// Times the call that enqueues a run, the queue being empty, as often as the options ask for runs, and then a run among
    /// as many that are enqueued behind each other. None of the
    /// counters of steady runs takes them in: those begin here.
    ///
    /// # Errors
    ///
    /// As [`Bench::once`].
    pub fn time_launches(&mut self) -> Result<()> {
        for _ in 0..self.options.repeats {
            self.launches.extend(self.subject.launch()?);
        }
        self.busy = self.subject.busy(self.options.repeats)?;
        self.warmed = self.accelerator.stats();
        Ok(())
    }

    /// The result, for repeats that the caller has timed with [`Bench::once`].
    pub fn result(&self, steady: Vec<f64>) -> BenchResult {
        let about = self.subject.about();
        let summary = Summary::of(&steady);
        let rate = |amount: u64| summary.map(|summary| amount as f64 / summary.median);
        let Work { flops, bytes, .. } = about.work;
        let process = self.process.map(|process| ProcessMemory {
            anonymous_after: crate::process::anonymous().unwrap_or(process.anonymous_after),
            ..process
        });
        let planned_arena = about.planned_arena;
        let steps = self.steps.map(|(count, before)| StepSeconds {
            count: count as u64,
            each: summary.map(|summary| summary.median / count as f64),
            before,
        });
        BenchResult {
            model: about.model.clone(),
            sizes: about.sizes.clone(),
            dtype: about.dtype.name().into(),
            quantize: self.options.quantize.map(|quantization| quantization.name().into()),
            launch: about.launch.name().into(),
            seconds: Seconds {
                cold: about.cold,
                warm: self.warm,
                steady,
                summary,
                launch: Summary::of(&self.launches),
                busy: self.busy,
                steps,
            },
            throughput: about.pictures.zip(summary).map(|(pictures, summary)| Throughput {
                pictures_per_second: pictures as f64 / summary.median,
                pictures,
                // A cold run, a warm one, and those that were asked for.
                warmup_pictures: pictures * (2 + self.options.warmup as u64),
                warmup_seconds: self.warming,
            }),
            work: Work { flops_per_second: rate(flops), bytes_per_second: rate(bytes), ..about.work },
            memory: Memory { planned_arena, process, ..self.accelerator.memory().into() },
            counters: Counters {
                start: self.start.into(),
                steady: (self.accelerator.stats() - self.warmed).into(),
            },
            operations: about.operations.clone(),
            attention: about.attention.clone(),
            ..blank(&*self.accelerator, self.options.what.name(), self.options.threads)
        }
    }
}

fn timed(subject: &mut dyn Subject) -> Result<f64> {
    let started = Instant::now();
    subject.run()?;
    Ok(started.elapsed().as_secs_f64())
}

fn no_steps(what: What, steps: usize) -> Error {
    let remedy = format!("{what} has no steps: leave it out, or measure the transformer or a pipeline");
    Error::Request { option: "steps", value: steps.to_string(), remedy }
}

/// A result that says where, when and of what, and holds no measurement.
pub(crate) fn blank(accelerator: &dyn Accelerator, what: &str, threads: Option<usize>) -> BenchResult {
    let device = accelerator.device();
    let mut versions = environment::versions();
    versions.extend(device.versions.iter().cloned());
    BenchResult {
        schema: SCHEMA,
        what: what.into(),
        model: String::new(),
        sizes: BTreeMap::new(),
        device: DeviceUsed {
            backend: device.backend.into(),
            name: device.name.clone(),
            arch: device.arch.clone(),
            emulated: device.emulated,
            threads: threads.map(|threads| threads as u64),
        },
        dtype: String::new(),
        quantize: None,
        engine: "native".into(),
        launch: String::new(),
        seconds: Seconds::default(),
        throughput: None,
        packages: None,
        work: Work::default(),
        memory: Memory::default(),
        counters: Counters::default(),
        operations: BTreeMap::new(),
        attention: Vec::new(),
        versions,
        command: environment::command(),
        date: environment::date(),
        startup: None,
        at_sizes: Vec::new(),
    }
}

/// The launch mode asked for, or the device's first.
fn launch(accelerator: &dyn Accelerator, options: &Options) -> LaunchMode {
    let first = accelerator.device().capabilities.launch.first().copied();
    options.launch.or(first).unwrap_or(LaunchMode::Compiled)
}
