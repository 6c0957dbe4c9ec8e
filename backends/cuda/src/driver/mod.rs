//! The driver: devices, memory, modules, streams, events, graphs.

mod api;
mod capture;
mod context;
mod device;
mod events;
mod failure;
mod graphs;
mod heap;
mod incoming;
mod pinned;
mod queue;
mod staging;

pub(crate) use api::{Api, Loaded, Nesting, NodeParams, api, dotted};
pub(crate) use capture::Nest;
pub(crate) use context::Context;
pub(crate) use device::{Facts, Mode, facts};
pub(crate) use events::{Events, Mark};
pub(crate) use failure::describe as explain;
pub(crate) use graphs::Graphs;
pub(crate) use heap::Heap;
pub(crate) use incoming::Arrival;
pub(crate) use pinned::{Pinned, PinnedPool};
pub(crate) use queue::Queue;
pub(crate) use staging::Staging;
