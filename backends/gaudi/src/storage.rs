//! Device memory.

use crate::context::Context;
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use tintype_accel::{Purpose, Storage};

/// An allocation, given back when the last who holds it lets go and the stream has passed what used it.
pub(crate) struct Memory {
    context: Arc<Context>,
    address: u64,
    bytes: usize,
    purpose: Purpose,
}

impl Memory {
    pub(crate) fn new(context: Arc<Context>, address: u64, bytes: usize, purpose: Purpose) -> Self {
        context.account.add(purpose, bytes as u64);
        Self { context, address, bytes, purpose }
    }

    pub(crate) fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// Where it starts; 0 where it has no bytes.
    pub(crate) fn address(&self) -> u64 {
        self.address
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.context.account.remove(self.purpose, self.bytes as u64);
        self.context.release(self.address);
    }
}

/// An allocation, as a pipeline holds it.
pub(crate) struct GaudiStorage(pub(crate) Arc<Memory>);

impl Storage for GaudiStorage {
    fn bytes(&self) -> usize {
        self.0.bytes
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Debug for GaudiStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GaudiStorage({:#x}, {} bytes)", self.0.address, self.0.bytes)
    }
}
