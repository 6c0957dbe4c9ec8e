//! An accelerator whose Programs run as packages where there are some.

use crate::chain::Chain;
use crate::code::Code;
use crate::instance::PackageModule;
use crate::packages::hash_of;
use crate::ready::{Clock, Ready};
use crate::tensor::Place;
use crate::{Libtorch, Package, Packages, Target};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{
    Accelerator, Buffer, CompileOptions, Counters, Coverage, Device, Error, Fence, FlushReason, Footprint,
    HostBytes, Joined, LaunchMode, Lease, LentWork, MemoryReport, Module, Purpose, Readback, Replay, Result,
    Signature, Stats, Storage, raise,
};
use tintype_program::{Node, Op, Program};

/// What runs a Program.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Used {
    /// What the Program is called.
    pub program: String,
    /// Its hash.
    pub block: String,
    /// `inductor` or `native`.
    pub engine: &'static str,
    /// The package's folder; or why there is none that fits.
    pub why: String,
}

/// A device with packages. Memory, uploads and reads are the device's own.
pub struct InductorAccelerator {
    base: Arc<dyn Accelerator>,
    pub(crate) packages: Packages,
    /// Whether a Program without a package is refused rather than left to the device's own engine.
    pub(crate) required: bool,
    pub(crate) target: Target,
    pub(crate) place: Place,
    torch: Arc<Libtorch>,
    /// By the package's folder.
    loaded: Mutex<HashMap<PathBuf, Arc<Code>>>,
    used: Mutex<Vec<Used>>,
    counters: Arc<Counters>,
    clock: Arc<Clock>,
}

impl InductorAccelerator {
    /// Puts `packages` on a device. With `required`, every Program must have one that fits.
    ///
    /// # Errors
    ///
    /// No libtorch; a device that packages do not run on.
    pub fn new(base: Arc<dyn Accelerator>, packages: Packages, required: bool) -> crate::Result<Self> {
        let clock = Arc::new(Clock::default());
        let torch = clock.time(|ready| &mut ready.libtorch, Libtorch::open)?;
        let device = base.device();
        let place = match device.backend {
            "cuda" => Place::cuda(device.ordinal),
            _ => Place::CPU,
        };
        let target = Target::of_device(device, torch.version()).ok_or_else(|| crate::Error::Mismatch {
            path: packages.root().into(),
            reason: format!(
                "packages run on cpu and cuda, not on {}, nor on what is emulated",
                device.label()
            ),
        })?;
        allow_tf32(&torch, false)?;
        let (loaded, used, counters) = (Mutex::default(), Mutex::default(), Arc::default());
        Ok(Self { base, packages, required, target, place, torch, loaded, used, counters, clock })
    }

    /// Lets convolutions of f32 round their factors to tf32, as [`tintype_accel::OpenOptions::tf32`] lets the device's own engine. Of the
    /// whole process: what was said last holds. Other products are libtorch's to decide, by its variable `TORCH_ALLOW_TF32_CUBLAS_OVERRIDE`.
    ///
    /// # Errors
    ///
    /// A libtorch without the switch.
    pub fn with_tf32(self, allowed: bool) -> crate::Result<Self> {
        allow_tf32(&self.torch, allowed)?;
        Ok(self)
    }

    /// Which engine each Program that was compiled so far runs on, and why.
    pub fn used(&self) -> Vec<Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long it took so far until packages could run.
    pub fn ready(&self) -> Ready {
        self.clock.read()
    }

    /// libtorch, as it was found.
    pub fn libtorch(&self) -> &Libtorch {
        &self.torch
    }

    fn note(&self, used: Used) {
        tracing::info!(program = used.program, engine = used.engine, why = used.why, "engine");
        let mut list = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if !list.contains(&used) {
            list.push(used);
        }
    }

    fn timed_chain(&self, program: &Program) -> std::result::Result<Found, Refused> {
        self.clock.time(|ready| &mut ready.packages, || self.chain(program))
    }

    /// The packages of a Program, loaded: the whole, or else its regions. Or why there are none that may run.
    fn chain(&self, program: &Program) -> std::result::Result<Found, Refused> {
        let (joined, cut, packages) = self.pick(program).map_err(Refused::None)?;
        let mut codes = Vec::with_capacity(packages.len());
        for package in &packages {
            codes.push(self.code(package)?);
        }
        let why = match &packages[..] {
            [package] => package.path.display().to_string(),
            _ => {
                let runs = cut.runs.len();
                format!("{} packages of {} in {runs} runs", packages.len(), self.packages.root().display())
            }
        };
        let (name, block) = (program.entry().name.clone(), name_of(program));
        self.note(Used { program: name, block, engine: "inductor", why });
        let program = joined.as_ref().map_or(program, |joined| &joined.program);
        let chain = Chain::new(program, cut, codes, self.place).map_err(Refused::None)?;
        Ok(Found { chain, joined })
    }

    /// A package's code, loaded once.
    fn code(&self, package: &Package) -> std::result::Result<Arc<Code>, Refused> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = loaded.get(&package.path) {
            raise(&self.counters.cache_hits, 1);
            return Ok(Arc::clone(code));
        }
        let code = Code::load(Arc::clone(&self.torch), package);
        let code = Arc::new(code.map_err(|error| Refused::Broken(error.of_backend()))?);
        loaded.insert(package.path.clone(), Arc::clone(&code));
        Ok(code)
    }
}

fn allow_tf32(torch: &Libtorch, allowed: bool) -> crate::Result<()> {
    let refuse =
        |reason| crate::Error::NoLibtorch { searched: format!("{}: {reason}", torch.path().display()) };
    torch.allow_tf32(allowed).map_err(refuse)
}

/// A Program's hash, to be told.
fn name_of(program: &Program) -> String {
    hash_of(program).map(|hash| hash.to_string()).unwrap_or_default()
}

/// Packages that run a Program.
struct Found {
    chain: Chain,
    /// The Program that they are of, where that is the one with joined products.
    joined: Option<Joined>,
}

enum Refused {
    /// None fits: another engine may take its place.
    None(String),
    /// One fits and is broken: that is never passed over.
    Broken(Error),
}

impl Accelerator for InductorAccelerator {
    fn device(&self) -> &Device {
        self.base.device()
    }

    fn coverage(&self, program: &Program) -> Coverage {
        self.base.coverage(program)
    }

    fn compile(&self, program: &Program, options: &CompileOptions) -> Result<Arc<dyn Module>> {
        program.check()?;
        let known = &self.device().capabilities.launch;
        let found = match options.launch {
            mode if !known.contains(&mode) => return self.base.compile(program, options),
            LaunchMode::Compiled => self.timed_chain(program),
            // A host captures no work of another engine.
            LaunchMode::Graph if !self.place.is_host() => self.timed_chain(program),
            mode => Err(Refused::None(format!(
                "packages are launched as `compiled`, on GPUs as `graph` too, and not as `{mode}` here"
            ))),
        };
        match found {
            Ok(Found { chain, joined }) => {
                let mut signature = Signature::of(program);
                if let Some(joined) = &joined {
                    joined.place(&mut signature);
                }
                let nodes = || program.blocks.iter().flat_map(|block| &block.nodes);
                Ok(Arc::new(PackageModule {
                    base: Arc::clone(&self.base),
                    chain: Arc::new(chain),
                    launch: options.launch,
                    attends: nodes().any(|node| matches!(node.op, Op::Attention { .. })),
                    signature: Arc::new(signature),
                    parts: joined.map(|joined| joined.parts),
                    counters: Arc::clone(&self.counters),
                    clock: Arc::clone(&self.clock),
                }))
            }
            Err(Refused::Broken(error)) => Err(error),
            Err(Refused::None(why)) if self.required => Err(Error::Unavailable {
                backend: "inductor".into(),
                reason: why,
                remedy: "Capture and compile this very call (`tintype aot`), or choose --engine auto".into(),
            }),
            Err(Refused::None(why)) => {
                let module = self.base.compile(program, options)?;
                let name = program.entry().name.clone();
                self.note(Used { program: name, block: name_of(program), engine: "native", why });
                Ok(module)
            }
        }
    }

    fn roundings(&self, node: &Node) -> u32 {
        // Inductor leaves convolutions to ATen, which adds a bias on GPUs to what it has rounded.
        match node.op {
            Op::Convolution { .. } if !self.place.is_host() && node.inputs.len() > 2 => 1,
            _ => self.base.roundings(node),
        }
    }

    fn footprint(&self, program: &Program, options: &CompileOptions) -> Result<Footprint> {
        // A package's intermediate results are libtorch's business; the device's own plan is the nearest there is.
        Ok(Footprint { exact: false, ..self.base.footprint(program, options)? })
    }

    fn free_memory(&self) -> Option<u64> {
        self.base.free_memory()
    }

    fn allocate(&self, bytes: usize, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.base.allocate(bytes, purpose)
    }

    fn adopt(&self, bytes: HostBytes, purpose: Purpose) -> Result<Arc<dyn Storage>> {
        self.base.adopt(bytes, purpose)
    }

    fn adopt_all(&self, all: Vec<HostBytes>, purpose: Purpose) -> Result<Vec<Arc<dyn Storage>>> {
        self.base.adopt_all(all, purpose)
    }

    fn upload(&self, storage: &Arc<dyn Storage>, offset: usize, bytes: HostBytes) -> Result<()> {
        self.base.upload(storage, offset, bytes)
    }

    fn upload_all(&self, all: Vec<(Arc<dyn Storage>, usize, HostBytes)>) -> Result<()> {
        self.base.upload_all(all)
    }

    fn read(&self, buffer: &Buffer) -> Result<Readback> {
        self.base.read(buffer)
    }

    fn lend(&self, reads: &[Lease], writes: &[Lease], work: LentWork) -> Result<()> {
        self.base.lend(reads, writes, work)
    }

    fn capture(&self, reads: &[Lease], writes: &[Lease], work: LentWork) -> Result<Box<dyn Replay>> {
        self.base.capture(reads, writes, work)
    }

    fn record(&self) -> Result<Fence> {
        self.base.record()
    }

    fn flush(&self, reason: FlushReason) -> Result<()> {
        self.base.flush(reason)
    }

    fn synchronize(&self) -> Result<()> {
        self.base.synchronize()
    }

    fn memory(&self) -> MemoryReport {
        self.base.memory()
    }

    fn stats(&self) -> Stats {
        let (own, mut all) = (self.counters.snapshot(), self.base.stats());
        all.runs += own.runs;
        all.launches += own.launches;
        all.cache_hits += own.cache_hits;
        all
    }

    fn fallbacks(&self) -> Vec<String> {
        self.base.fallbacks()
    }
}
