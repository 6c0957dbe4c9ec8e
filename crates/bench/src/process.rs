//! What the system says of this process's memory: the outside witness to a device's own report.

use crate::result::ProcessMemory;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

const INTERVAL: Duration = Duration::from_millis(5);

/// Anonymous resident memory, in bytes: pages of no file. None where the system does not tell.
pub(crate) fn anonymous() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Samples this process's anonymous memory on a thread of its own until it is dropped.
pub(crate) struct MemoryWatch {
    before: u64,
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl MemoryWatch {
    /// Starts to watch; none where the system does not tell.
    pub(crate) fn start() -> Option<Self> {
        let before = anonymous()?;
        let (peak, stop) = (Arc::new(AtomicU64::new(before)), Arc::new(AtomicBool::new(false)));
        let (sampled, stopped) = (Arc::clone(&peak), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                sampled.fetch_max(anonymous().unwrap_or(0), Ordering::Relaxed);
                thread::sleep(INTERVAL);
            }
        });
        Some(Self { before, peak, stop, thread: Some(thread) })
    }

    /// What it has seen so far.
    pub(crate) fn seen(&self) -> ProcessMemory {
        let now = anonymous().unwrap_or(0);
        let peak = self.peak.fetch_max(now, Ordering::Relaxed).max(now);
        ProcessMemory { anonymous_before: self.before, anonymous_peak: peak, anonymous_after: now }
    }

    /// Ends the sampling and says what was seen: an idle sampler would still wake within timed repeats.
    pub(crate) fn finish(mut self) -> ProcessMemory {
        self.halt();
        self.seen()
    }

    fn halt(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The sampler cannot fail in a way that matters here.
            let _ = thread.join();
        }
    }
}

impl Drop for MemoryWatch {
    fn drop(&mut self) {
        self.halt();
    }
}
