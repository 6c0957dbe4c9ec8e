//! How often each call was made, and how long the host was in it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Calls by name, from any thread.
#[derive(Debug, Default)]
pub struct Trace(Mutex<BTreeMap<String, (u64, Duration)>>);

impl Trace {
    /// How often a call was made.
    pub fn calls(&self, name: &str) -> u64 {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        calls.get(name).map_or(0, |(count, _)| *count)
    }

    /// Makes a call and enters it. The lock is not held while it runs.
    pub(crate) fn time<T>(&self, name: &str, call: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = call();
        let spent = start.elapsed();
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total) = calls.entry(name.to_owned()).or_default();
        *count += 1;
        *total += spent;
        result
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, (count, total)) in calls.iter() {
            writeln!(f, "{name:24} {count:>8} calls {:>10.3} ms", total.as_secs_f64() * 1e3)?;
        }
        Ok(())
    }
}
