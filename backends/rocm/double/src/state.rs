//! All that the double knows, behind one lock: the log, the counters, the faults that wait.

use crate::blaslt::Objects;
use crate::config::{self, Config};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Write;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;

thread_local! {
    /// The device that this thread set; 0 where it set none.
    pub(crate) static DEVICE: Cell<i32> = const { Cell::new(0) };
}

/// A fault that waits for the nth call of a function.
struct Fault {
    function: String,
    left: u64,
    status: i32,
    later: bool,
}

/// What strikes a call.
pub(crate) enum Strike {
    /// It gives this status and does nothing.
    Now(i32),
    /// It succeeds, and the status comes out of what is done next, and stays.
    Later(i32),
}

/// The state of the double.
#[derive(Default)]
pub(crate) struct Double {
    pub(crate) config: Config,
    /// What was wrong with the environment.
    pub(crate) complaint: Option<String>,
    file: Option<File>,
    number: u64,
    /// Calls and failures of each function.
    calls: BTreeMap<&'static str, [u64; 2]>,
    faults: Vec<Fault>,
    /// Primary contexts of the driver beneath, by device.
    pub(crate) contexts: HashMap<i32, u64>,
    /// Streams that capture, and the threads that began it.
    pub(crate) captures: HashMap<u64, ThreadId>,
    /// hipBLASLt's objects.
    pub(crate) objects: Objects,
    /// Texts of programs that are to be compiled, by their handles.
    pub(crate) programs: HashMap<u64, String>,
}

static DOUBLE: LazyLock<Mutex<Double>> = LazyLock::new(|| {
    let variable = |name| std::env::var(name).unwrap_or_default();
    Mutex::new(Double::new(&variable(config::MACHINE), &variable(config::LOG)))
});

/// Locks the state. A panic in an earlier call does not stop later ones.
pub(crate) fn lock() -> MutexGuard<'static, Double> {
    DOUBLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Double {
    /// A fresh machine, as the texts describe it.
    pub(crate) fn new(machine: &str, log: &str) -> Self {
        let mut double = Self::default();
        match Config::parse(machine) {
            Ok(config) => double.config = config,
            Err(complaint) => {
                eprintln!("tintype-rocm-double: {complaint}");
                double.complaint = Some(complaint);
            }
        }
        if !log.is_empty() {
            let opened = File::options().create(true).append(true).open(log);
            double.file = opened.map_err(|error| eprintln!("tintype-rocm-double: log `{log}`: {error}")).ok();
        }
        double
    }

    /// Counts a call that begins, and says what strikes it.
    pub(crate) fn begin(&mut self, name: &'static str) -> (u64, Option<Strike>) {
        self.number += 1;
        self.calls.entry(name).or_default()[0] += 1;
        let mut struck = None;
        for fault in self.faults.iter_mut().filter(|fault| fault.function == name || fault.function == "*") {
            fault.left -= 1;
            if fault.left == 0 {
                let status = fault.status;
                struck = Some(if fault.later { Strike::Later(status) } else { Strike::Now(status) });
            }
        }
        self.faults.retain(|fault| fault.left > 0);
        (self.number, struck)
    }

    /// Writes the line of a call that ended: `number function status [facts]`.
    pub(crate) fn end(&mut self, number: u64, name: &'static str, status: i32, facts: &str) {
        if status != 0 {
            self.calls.entry(name).or_default()[1] += 1;
        }
        self.line(&format!("{number} {name} {status} [{facts}]"));
    }

    /// Writes a line of its own.
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(format!("{line}\n").as_bytes())
        {
            eprintln!("tintype-rocm-double: the log stops here: {error}");
            self.file = None;
        }
    }

    /// The `nth` call from now (1 is the next) gives `status`.
    pub(crate) fn fail(&mut self, function: &str, nth: u64, status: i32, later: bool) {
        self.faults.push(Fault { function: function.into(), left: nth.max(1), status, later });
    }

    /// Calls and failures of each function.
    pub(crate) fn counts(&self) -> Value {
        let column = |index: usize| -> BTreeMap<&str, u64> {
            let rows = self.calls.iter().map(|(name, counts)| (*name, counts[index]));
            rows.filter(|(_, count)| *count > 0).collect()
        };
        json!({ "calls": column(0), "failed": column(1) })
    }

    /// Sets the counters to zero.
    pub(crate) fn reset_counts(&mut self) {
        self.calls.clear();
    }
}
