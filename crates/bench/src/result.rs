//! The result schema.

use crate::Summary;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tintype_accel::{Bare, MemoryReport, Stats};

/// The version of [`BenchResult`]. Raised when a field is renamed, removed or changes its meaning; readers refuse others.
pub const SCHEMA: u32 = 1;

/// One benchmark, as every front end writes it. Times are seconds, sizes bytes, rates a second.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BenchResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// What was measured: `transformer`, `vae`, `t5`, `clip`, `pipeline`, `cold`, `upload`, `sizes`, `fma`.
    pub what: String,
    /// The preset, or the folder that the model came from.
    pub model: String,
    /// Sizes of the model's inputs: `image_tokens`, `text_tokens`, `width`, `height`, `steps`,
    /// `pictures`, `batch_size`.
    pub sizes: BTreeMap<String, u64>,
    /// On what.
    pub device: DeviceUsed,
    /// The dtype of weights and arithmetic.
    pub dtype: String,
    /// What the denoiser's blocks are quantized to, where they are: `fp8-row`, `fp8-tensor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantize: Option<String>,
    /// Which of the device's engines ran it: `native`, `inductor`, `inductor and native`, or `torch`.
    pub engine: String,
    /// The launch mode: `eager`, `compiled`, `lazy`, `graph`.
    pub launch: String,
    /// How long it took.
    pub seconds: Seconds,
    /// Of a pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput: Option<Throughput>,
    /// Of an engine of packages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<PackagesReady>,
    /// What it computed.
    pub work: Work,
    /// What memory it took.
    pub memory: Memory,
    /// What the device counted.
    pub counters: Counters,
    /// What became of the operations, by name: which had kernels of their own.
    pub operations: BTreeMap<String, OperationCount>,
    /// What attention became: kernels or nodes by name, where the device says it; of a pipeline, in the denoiser.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attention: Vec<String>,
    /// Versions of everything: program, compiler, system, driver, libraries, and the kernels' instruction level.
    pub versions: BTreeMap<String, String>,
    /// The command line.
    pub command: Vec<String>,
    /// When, in UTC.
    pub date: String,
    /// Of `cold`: what was done by when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub startup: Option<Startup>,
    /// Of `sizes`: each in turn.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_sizes: Vec<AtSize>,
}

/// How long ahead-of-time packages took until they could run, in seconds, added up over all Programs that ran as packages.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PackagesReady {
    /// To open the library that they run on.
    pub library: f64,
    /// From the call that loads packages to when they are ready: chosen, held against their digests, loaded, a model made for each run.
    pub load: f64,
    /// Of the host, to enqueue the first run, in which the driver loads kernels.
    pub first_run: f64,
}

/// From the start of a process to its first picture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startup {
    /// In order.
    pub marks: Vec<Mark>,
    /// Seconds from the start to when the first denoising step was done.
    pub first_step: f64,
    /// Bytes of weights that were loaded until then.
    pub loaded: u64,
    /// Seconds of that: from when a component's Program was compiled to when the last of its weights had left for the
    /// device.
    pub loading: f64,
    /// What the vendor's own parts take, by another process that was started right after.
    pub bare: Option<Bare>,
}

/// What was done by when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    /// What.
    pub name: String,
    /// Seconds from the start; the drawing of random weights is left out.
    pub at: f64,
}

/// A size, the ones before it being kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AtSize {
    /// Pixels across.
    pub width: u64,
    /// Pixels down.
    pub height: u64,
    /// Of the runs behind the first.
    pub seconds: Option<Summary>,
    /// The arena as planned before anything ran.
    pub planned_arena: u64,
    /// What the device's libraries work in besides.
    pub workspace: u64,
    /// By how much arenas grew.
    pub grown_arenas: u64,
    /// The device's account, behind it.
    pub memory: Memory,
    /// Bytes that could be allocated, behind it; none where the device does not tell.
    pub free: Option<u64>,
}

/// The device that ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeviceUsed {
    /// The plugin.
    pub backend: String,
    /// The product's name.
    pub name: String,
    /// The architecture and its extensions.
    pub arch: String,
    /// Whether a software double stood in for it: then no time here means anything.
    pub emulated: bool,
    /// Threads that host work was given; none where it was left to the device.
    pub threads: Option<u64>,
}

/// How long it took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Seconds {
    /// The first run, from nothing but an open device: tracing, compiling, loading weights, running. The drawing of
    /// random weights is left out.
    pub cold: f64,
    /// The second run.
    pub warm: f64,
    /// The runs after the warm-up, in order. A run ends when its results are there.
    pub steady: Vec<f64>,
    /// Of `steady`; none where there was no repeat.
    pub summary: Option<Summary>,
    /// What the host spends in the call that enqueues a run, the queue being empty; none for what takes several calls.
    #[serde(default)]
    pub launch: Option<Summary>,
    /// Of a run among many that are enqueued behind each other: what the device is busy with, the host aside. None for what
    /// takes several calls.
    #[serde(default)]
    pub busy: Option<f64>,
    /// Of a run that is a loop of steps; none of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<StepSeconds>,
}

/// A run of denoising steps, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSeconds {
    /// Steps of a run.
    pub count: u64,
    /// The median over the number of steps: a step with its share of what is done once before the loop.
    pub each: Option<f64>,
    /// What is done once before the loop: measured by itself, the median of three, before the counted runs. It is waited
    /// for there, which a run does not do, so it is its share at most.
    pub before: f64,
}

/// How many pictures a second, with all that is done before the counted runs left out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throughput {
    /// `pictures` over the median.
    pub pictures_per_second: f64,
    /// Pictures of a run.
    pub pictures: u64,
    /// Pictures of the runs that are not counted: the cold one, the warm one, and the warm-up.
    pub warmup_pictures: u64,
    /// Their seconds.
    pub warmup_seconds: f64,
}

/// What one run computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// Floating-point operations, of the mathematics and not of any kernel.
    pub flops: u64,
    /// Bytes that must move at least, if every operation reads its operands once and writes its results once.
    pub bytes: u64,
    /// `flops` over the median.
    pub flops_per_second: Option<f64>,
    /// `bytes` over the median.
    pub bytes_per_second: Option<f64>,
}

/// Memory, as the device accounts for it, and as the system sees the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Weights in memory of their own.
    pub weights: u64,
    /// Weights that lie in their files' mapped pages.
    pub mapped: u64,
    /// What was made from weights: packed panels, other layouts.
    pub derived: u64,
    /// Planned arenas.
    pub arenas: u64,
    /// Inputs, outputs and states.
    pub data: u64,
    /// The most that was held at once, mapped pages aside.
    pub peak: u64,
    /// The arena as planned before anything ran; none for a pipeline, which has several.
    pub planned_arena: Option<u64>,
    /// What the system saw; none where it does not tell.
    pub process: Option<ProcessMemory>,
}

/// Anonymous resident memory of the process: pages of no file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProcessMemory {
    /// Before the model was opened, the device being open.
    pub anonymous_before: u64,
    /// The most, sampled from opening the model to the end of the warm-up.
    pub anonymous_peak: u64,
    /// At the end.
    pub anonymous_after: u64,
}

/// What the device counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counters {
    /// From opening the model to the end of the warm-up.
    pub start: Counts,
    /// During all steady runs together: compiles and captures here are recompiles and recaptures.
    pub steady: Counts,
}

/// Counts of a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Blocks compiled.
    pub compiles: u64,
    /// Graphs captured or recorded.
    pub captures: u64,
    /// Graphs replayed.
    pub replays: u64,
    /// Programs launched.
    pub runs: u64,
    /// Kernels or recipes launched.
    pub launches: u64,
    /// Waits of the host that drain the queue.
    pub host_synchronizations: u64,
    /// Operations or captures that took another way than the one asked for.
    pub fallbacks: u64,
    /// Device allocations.
    pub allocations: u64,
    /// Bytes copied to the device.
    pub bytes_uploaded: u64,
    /// Bytes copied from the device.
    pub bytes_downloaded: u64,
}

/// What became of one kind of operation. Counted once a block, however often the block runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationCount {
    /// With a kernel of its own.
    pub native: u64,
    /// Run as its decomposition.
    pub decomposed: u64,
}

impl From<Stats> for Counts {
    fn from(stats: Stats) -> Self {
        Self {
            compiles: stats.compiles,
            captures: stats.captures,
            replays: stats.replays,
            runs: stats.runs,
            launches: stats.launches,
            host_synchronizations: stats.host_synchronizations,
            fallbacks: stats.fallbacks,
            allocations: stats.allocations,
            bytes_uploaded: stats.bytes_uploaded,
            bytes_downloaded: stats.bytes_downloaded,
        }
    }
}

impl From<MemoryReport> for Memory {
    fn from(report: MemoryReport) -> Self {
        let MemoryReport { weights, mapped, derived, arenas, data, peak, .. } = report;
        Self { weights, mapped, derived, arenas, data, peak, planned_arena: None, process: None }
    }
}
