//! Host memory as device memory: allocated, adopted, and reached only from the queue.

mod access;
mod aligned;
mod owner;
mod storage;

pub(crate) use access::{Access, Place, Refusal, Regions, Span};
pub(crate) use owner::{Owner, OwnerId};
pub(crate) use storage::{CpuStorage, HostMemory};

#[cfg(test)]
mod tests;
