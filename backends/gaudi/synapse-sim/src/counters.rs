//! How often each function was called and failed.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde::Serialize;

use crate::abi::Status;
use crate::state::lock;

/// Calls of one function.
#[derive(Clone, Default, Serialize)]
pub struct Calls {
    pub calls: u64,
    pub failures: u64,
}

static COUNTS: Mutex<BTreeMap<&'static str, Calls>> = Mutex::new(BTreeMap::new());

pub fn count(function: &'static str, status: Status) {
    let mut counts = lock(&COUNTS);
    let entry = counts.entry(function).or_default();
    entry.calls += 1;
    // A query that finds work going on has not failed.
    if status != Status::SUCCESS && status != Status::BUSY {
        entry.failures += 1;
    }
}

pub fn all() -> BTreeMap<&'static str, Calls> {
    lock(&COUNTS).clone()
}

pub fn reset() {
    lock(&COUNTS).clear();
}
