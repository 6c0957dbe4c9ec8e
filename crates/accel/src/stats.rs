//! Counters that tests and benchmarks assert on.

use serde::Serialize;
use std::ops::Sub;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// What a device has done since it was opened.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Stats {
            $($(#[$doc])* pub $name: u64,)*
        }

        /// The counters behind [`Stats`], for a plugin to raise from any thread.
        #[derive(Debug, Default)]
        pub struct Counters {
            $($(#[$doc])* pub $name: AtomicU64,)*
        }

        impl Counters {
            /// The counters as they are now.
            pub fn snapshot(&self) -> Stats {
                Stats { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl Sub for Stats {
            type Output = Stats;

            /// What happened between two snapshots.
            fn sub(self, earlier: Stats) -> Stats {
                Stats { $($name: self.$name.saturating_sub(earlier.$name),)* }
            }
        }
    };
}

counters! {
    /// Blocks compiled; a block found in a cache does not count.
    compiles,
    /// Blocks that a compile found ready in a cache.
    cache_hits,
    /// Graphs captured or recorded.
    captures,
    /// Graphs replayed.
    replays,
    /// Programs launched.
    runs,
    /// Kernels or recipes launched.
    launches,
    /// Accumulated work handed to the device.
    flushes,
    /// Waits of the host that drain the queue.
    host_synchronizations,
    /// Waits of the host for the step before last.
    pacing_waits,
    /// Operations or captures that took another way than the one asked for.
    fallbacks,
    /// Device allocations.
    allocations,
    /// Bytes copied to the device.
    bytes_uploaded,
    /// Bytes copied from the device.
    bytes_downloaded,
}

/// Raises a counter.
pub fn raise(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
