//! Host memory as device memory.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex};
use tintype_accel::{Buffer, FencePoint, MemoryAccount, Purpose, Result, Storage, WaitReason};

/// Bytes, and the account that they are entered in.
pub struct Memory {
    bytes: Mutex<Vec<u8>>,
    size: usize,
    purpose: Purpose,
    account: Arc<MemoryAccount>,
}

impl Memory {
    pub fn new(size: usize, purpose: Purpose, account: Arc<MemoryAccount>) -> Self {
        account.add(purpose, size as u64);
        Self { bytes: Mutex::new(vec![0x77; size]), size, purpose, account }
    }

    pub fn of(storage: &Arc<dyn Storage>) -> &Memory {
        storage.as_any().downcast_ref().unwrap()
    }

    pub fn write(&self, offset: usize, bytes: &[u8]) {
        self.bytes.lock().unwrap()[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    pub fn content(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    pub fn read(buffer: &Buffer) -> Vec<u8> {
        Memory::of(buffer.storage()).bytes.lock().unwrap()[buffer.range()].to_vec()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.account.remove(self.purpose, self.size as u64);
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Memory({})", self.size)
    }
}

impl Storage for Memory {
    fn bytes(&self) -> usize {
        self.size
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A fence of a queue that is always empty.
pub struct Done;

impl FencePoint for Done {
    fn poll(&self) -> Result<bool> {
        Ok(true)
    }

    fn wait(&self, _reason: WaitReason) -> Result<()> {
        Ok(())
    }
}
