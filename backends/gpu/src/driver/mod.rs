//! A vendor's driver: memory, modules, streams, events, graphs. CUDA's and HIP's agree in all of this but in the names of
//! functions; what they do each in its own way is a [`Vendor`].

mod api;
mod capture;
mod context;
mod entered;
mod events;
mod failure;
mod graphs;
mod heap;
mod incoming;
mod kernels;
mod open;
mod pinned;
mod probing;
mod queue;
mod runtime;
mod settings;
mod staging;
mod table;
mod vendor;

pub use api::{Api, Handle};
pub use context::{Context, error};
pub use entered::entered;
pub use failure::{OUT_OF_MEMORY, describe};
pub use open::{Missing, Opened, Search, entries, existing, matching, open};
pub use pinned::Pinned;
pub use probing::{capabilities, emulated, numbered, probed, unavailable};
pub use queue::Queue;
pub use runtime::{DeviceRuntime, Libraries, Parts};
pub use settings::setting;
pub use table::{Status, name_of, table};
pub use vendor::{Outer, Vendor};

use events::{Events, Mark};
use graphs::Graphs;
use heap::Heap;
use incoming::Arrival;
use kernels::Kernels;
use pinned::PinnedPool;
use staging::Staging;
