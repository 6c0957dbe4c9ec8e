//! What device memory is used for.

use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// What an allocation is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Bound weights.
    Weights,
    /// What a plugin made from weights: packed panels, other layouts.
    Derived,
    /// Intermediate results, planned.
    Arena,
    /// Inputs, outputs and states.
    Data,
}

/// Bytes a device holds, by purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MemoryReport {
    /// Bound weights in memory of their own.
    pub weights: u64,
    /// Bound weights that lie in the files' own mapped pages.
    pub mapped: u64,
    /// What was made from weights.
    pub derived: u64,
    /// Planned arenas.
    pub arenas: u64,
    /// Inputs, outputs and states.
    pub data: u64,
    /// The most that was held at once, mapped pages aside.
    pub peak: u64,
}

impl MemoryReport {
    /// Everything held now, mapped pages aside.
    pub fn held(&self) -> u64 {
        self.weights + self.derived + self.arenas + self.data
    }
}

/// The account behind [`MemoryReport`], for a plugin to keep from any thread.
#[derive(Debug, Default)]
pub struct MemoryAccount {
    held: [AtomicU64; 4],
    mapped: AtomicU64,
    total: AtomicU64,
    peak: AtomicU64,
}

impl MemoryAccount {
    /// Enters an allocation.
    pub fn add(&self, purpose: Purpose, bytes: u64) {
        self.held[purpose as usize].fetch_add(bytes, Ordering::Relaxed);
        let total = self.total.fetch_add(bytes, Ordering::Relaxed) + bytes;
        self.peak.fetch_max(total, Ordering::Relaxed);
    }

    /// Strikes an allocation.
    pub fn remove(&self, purpose: Purpose, bytes: u64) {
        self.held[purpose as usize].fetch_sub(bytes, Ordering::Relaxed);
        self.total.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Enters pages of a file that are used in place.
    pub fn add_mapped(&self, bytes: u64) {
        self.mapped.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Strikes pages of a file.
    pub fn remove_mapped(&self, bytes: u64) {
        self.mapped.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// The account as it stands.
    pub fn report(&self) -> MemoryReport {
        let held = |purpose: Purpose| self.held[purpose as usize].load(Ordering::Relaxed);
        MemoryReport {
            weights: held(Purpose::Weights),
            mapped: self.mapped.load(Ordering::Relaxed),
            derived: held(Purpose::Derived),
            arenas: held(Purpose::Arena),
            data: held(Purpose::Data),
            peak: self.peak.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_the_most_held_at_once() {
        let account = MemoryAccount::default();
        account.add(Purpose::Weights, 10);
        account.add(Purpose::Arena, 5);
        account.remove(Purpose::Arena, 5);
        account.add(Purpose::Data, 2);
        let report = account.report();
        assert_eq!((report.held(), report.peak, report.arenas), (12, 15, 0));
    }
}
