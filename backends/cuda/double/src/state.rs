//! All that the double knows, behind one lock.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use crate::abi::{Answer, Handle};
use crate::book::Book;
use crate::capture::{Capture, Exec, Graph};
use crate::condition::Condition;
use crate::config::{self, Config};
use crate::context::Context;
use crate::faults::Faults;
use crate::host::Host;
use crate::log::Log;
use crate::memory::Memory;
use crate::module::{Function, Module};
use crate::pool::Pool;
use crate::stream::{Event, Stream};
use crate::thread::HostCall;

/// The state of the double.
#[derive(Default)]
pub struct Double {
    /// The pretended machine.
    pub config: Config,
    /// What was wrong with the environment; `cuInit` refuses with it.
    pub complaint: Option<String>,
    /// The log.
    pub log: Log,
    /// Faults to inject.
    pub faults: Faults,
    /// What is alive.
    pub book: Book,
    /// Whether `cuInit` was called.
    pub initialized: bool,
    /// The error that every call gives from now on.
    pub sticky: Option<u32>,
    /// A device fault that nobody has met yet.
    pub latent: Option<u32>,
    /// Device memory.
    pub memory: Memory,
    /// Host memory: this process's own, and what is page-locked of it.
    pub host: Host,
    /// Contexts.
    pub contexts: BTreeMap<Handle, Context>,
    /// How often each device's primary context is retained of the real driver.
    pub retains: BTreeMap<i32, i64>,
    /// Streams, the default streams of contexts among them.
    pub streams: BTreeMap<Handle, Stream>,
    /// Events.
    pub events: HashMap<Handle, Event>,
    /// Modules and libraries.
    pub modules: HashMap<Handle, Module>,
    /// Functions and kernels.
    pub functions: HashMap<Handle, Function>,
    /// Memory pools.
    pub pools: BTreeMap<Handle, Pool>,
    /// Captures under way.
    pub captures: BTreeMap<Handle, Capture>,
    /// Graphs.
    pub graphs: HashMap<Handle, Graph>,
    /// Graphs that a node of another graph holds, with that graph; known in both modes.
    pub bodies: BTreeMap<Handle, Handle>,
    /// Conditions that graphs may ask.
    pub conditions: BTreeMap<Handle, Condition>,
    /// Executable graphs.
    pub execs: HashMap<Handle, Exec>,
    /// Host functions that streams reached in this call.
    pub callbacks: Vec<HostCall>,
    /// Facts for the line of this call.
    pub notes: Vec<String>,
    /// Work enqueued so far.
    pub sequence: u64,
    handles: u64,
}

static DOUBLE: LazyLock<Mutex<Double>> = LazyLock::new(|| {
    let variable = |name| std::env::var(name).ok();
    crate::exports::trampolines::bind();
    Mutex::new(Double::new(variable(config::MACHINE), variable(config::FAIL), variable(config::LOG)))
});

/// Locks the state. A panic in an earlier call does not stop later ones.
pub fn lock() -> MutexGuard<'static, Double> {
    DOUBLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Double {
    /// A fresh machine, as the texts describe it.
    pub fn new(machine: Option<String>, faults: Option<String>, log: Option<String>) -> Double {
        let mut double = Double { log: Log::open(log.as_deref()), ..Double::default() };
        match Config::parse(machine.as_deref().unwrap_or_default()) {
            Ok(config) => double.config = config,
            Err(complaint) => double.complaint = Some(complaint),
        }
        match Faults::parse(faults.as_deref().unwrap_or_default()) {
            Ok(faults) => double.faults = faults,
            Err(complaint) => double.complaint = Some(complaint),
        }
        if let Some(complaint) = &double.complaint {
            eprintln!("tintype-cuda-double: {complaint}");
        }
        double
    }

    /// A handle that was never given out before.
    pub fn new_handle(&mut self) -> Handle {
        // A separate range, so that no handle is taken for an address of memory. Sixteen apart like real ones;
        // a context's default streams are known by the handles just after its own.
        self.handles += 1;
        0x00c0_de00_0000_0000 + self.handles * 16
    }

    /// Adds a fact to the line of this call.
    pub fn note(&mut self, fact: impl Into<String>) {
        self.notes.push(fact.into());
    }

    /// The device of that number.
    pub fn device(&self, device: i32) -> Answer {
        if (0..self.config.devices).contains(&device) {
            return Ok(());
        }
        crate::status::refuse(
            crate::status::INVALID_DEVICE,
            format!("device {device} of {}", self.config.devices),
        )
    }
}
