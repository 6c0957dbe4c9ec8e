//! An accelerator whose Programs run as packages where there are some.

use crate::code::{Code, Container, Rim};
use crate::packages::hash_of;
use crate::{Libtorch, Packages, Target};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{
    Accelerator, Bindings, Buffer, CompileOptions, Counters, Coverage, Device, Error, Fence, FlushReason,
    Footprint, HostBytes, Instance, LaunchMode, Lease, LentWork, MemoryReport, Module, Purpose, Readback,
    Result, Signature, Stats, Storage, Weights, raise,
};
use tintype_program::{BlockHash, Op, Program};

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
    packages: Packages,
    /// Whether a Program without a package is refused rather than left to the device's own engine.
    required: bool,
    target: Target,
    torch: Arc<Libtorch>,
    loaded: Mutex<HashMap<BlockHash, Arc<Code>>>,
    used: Mutex<Vec<Used>>,
    counters: Arc<Counters>,
}

impl InductorAccelerator {
    /// Puts `packages` on a device. With `required`, every Program must have one that fits.
    ///
    /// # Errors
    ///
    /// No libtorch; a device that packages do not run on.
    pub fn new(base: Arc<dyn Accelerator>, packages: Packages, required: bool) -> crate::Result<Self> {
        let torch = Libtorch::open()?;
        if base.device().backend != "cpu" {
            let reason = format!("packages run on the CPU only so far, not on {}", base.device().label());
            return Err(crate::Error::Mismatch { path: packages.root().into(), reason });
        }
        let target = Target::of_host(torch.version());
        let (loaded, used, counters) = (Mutex::default(), Mutex::default(), Arc::default());
        Ok(Self { base, packages, required, target, torch, loaded, used, counters })
    }

    /// Which engine each Program that was compiled so far runs on, and why.
    pub fn used(&self) -> Vec<Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// The package's code for a Program, loaded; or why there is none that may run.
    fn code(&self, program: &Program, hash: BlockHash) -> std::result::Result<Arc<Code>, Refused> {
        let package = self.packages.find(program, &self.target).map_err(Refused::None)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(code) = loaded.get(&hash) {
            raise(&self.counters.cache_hits, 1);
            return Ok(Arc::clone(code));
        }
        let rim = Rim::of(program).map_err(Refused::None)?;
        let code = Code::load(Arc::clone(&self.torch), package, rim);
        let code = Arc::new(code.map_err(|error| Refused::Broken(error.of_backend()))?);
        loaded.insert(hash, Arc::clone(&code));
        let (path, name) = (package.path.display().to_string(), program.entry().name.clone());
        self.note(Used { program: name, block: hash.to_string(), engine: "inductor", why: path });
        Ok(code)
    }
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
        let hash = hash_of(program).unwrap_or(BlockHash([0; 32]));
        let found = match options.launch {
            LaunchMode::Compiled => self.code(program, hash),
            mode => Err(Refused::None(format!("packages are launched as `compiled`, not as `{mode}`"))),
        };
        match found {
            Ok(code) => Ok(Arc::new(PackageModule {
                base: Arc::clone(&self.base),
                code,
                attends: program
                    .blocks
                    .iter()
                    .flat_map(|block| &block.nodes)
                    .any(|node| matches!(node.op, Op::Attention { .. })),
                signature: Arc::new(Signature::of(program)),
                counters: Arc::clone(&self.counters),
            })),
            Err(Refused::Broken(error)) => Err(error),
            Err(Refused::None(why)) if self.required => Err(Error::Unavailable {
                backend: "inductor".into(),
                reason: why,
                remedy: "Capture and compile this very call (`tintype aot`), or choose --engine auto".into(),
            }),
            Err(Refused::None(why)) => {
                let module = self.base.compile(program, options)?;
                let name = program.entry().name.clone();
                self.note(Used { program: name, block: hash.to_string(), engine: "native", why });
                Ok(module)
            }
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

/// A Program that runs as a package.
struct PackageModule {
    base: Arc<dyn Accelerator>,
    code: Arc<Code>,
    /// Whether there is attention in it.
    attends: bool,
    signature: Arc<Signature>,
    counters: Arc<Counters>,
}

impl Module for PackageModule {
    fn signature(&self) -> &Arc<Signature> {
        &self.signature
    }

    fn arena_bytes(&self) -> usize {
        // libtorch's own, which it does not tell.
        0
    }

    fn attention(&self) -> Vec<String> {
        if self.attends { vec!["inductor".into()] } else { Vec::new() }
    }

    fn bind(&self, weights: &Arc<Weights>) -> Result<Box<dyn Instance>> {
        let params = self.signature.params.iter().zip(&self.code.rim.params).map(|(slot, ty)| {
            let (storage, offset) = weights.place(slot)?;
            Ok(Lease { storage: Arc::clone(storage), range: offset..offset + ty.bytes() })
        });
        let container = Container::new(Arc::clone(&self.code)).map_err(crate::Error::of_backend)?;
        Ok(Box::new(PackageInstance {
            base: Arc::clone(&self.base),
            signature: Arc::clone(&self.signature),
            params: params.collect::<Result<_>>()?,
            _weights: Arc::clone(weights),
            container: Arc::new(Mutex::new(container)),
            counters: [Arc::clone(&self.counters), Arc::default()],
        }))
    }
}

/// A package with weights.
struct PackageInstance {
    base: Arc<dyn Accelerator>,
    signature: Arc<Signature>,
    params: Vec<Lease>,
    /// Kept, so that what is bound stays.
    _weights: Arc<Weights>,
    container: Arc<Mutex<Container>>,
    /// The device's, and this instance's.
    counters: [Arc<Counters>; 2],
}

impl Instance for PackageInstance {
    fn run(&mut self, bindings: &mut Bindings) -> Result<()> {
        bindings.expect(&self.signature)?;
        let complete = bindings.complete()?;
        let leases = |buffers: &[&Buffer]| buffers.iter().map(|buffer| Lease::of(buffer)).collect::<Vec<_>>();
        let reads = [leases(&complete.inputs), self.params.clone()].concat();
        let writes = [leases(&complete.outputs), leases(&complete.states)].concat();
        let (container, device) = (Arc::clone(&self.container), self.base.device().label());
        let books = self.counters.clone();
        books.iter().for_each(|counters| raise(&counters.runs, 1));
        self.base.lend(
            &reads,
            &writes,
            Box::new(move |lent| {
                let mut container = container.lock().unwrap_or_else(PoisonError::into_inner);
                container.run(lent).map_err(|reason| Error::Device { device: device.clone(), reason })?;
                books.iter().for_each(|counters| raise(&counters.launches, 1));
                Ok(())
            }),
        )
    }

    fn stats(&self) -> Stats {
        self.counters[1].snapshot()
    }
}
