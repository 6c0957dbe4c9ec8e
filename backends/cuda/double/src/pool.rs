//! Memory pools and stream-ordered memory.

use crate::abi::{Answer, DevicePtr, Handle};
use crate::state::Double;
use crate::status::{INVALID_HANDLE, INVALID_VALUE, refuse};
use crate::stream::Op;

/// One pool.
#[derive(Debug)]
pub struct Pool {
    /// Its device.
    pub device: i32,
    /// Whether it is the device's own.
    pub default: bool,
    /// Attributes 1 to 4: three reuse switches and the release threshold in bytes.
    pub attributes: [u64; 4],
    /// The most bytes that were in use.
    pub high: u64,
}

impl Double {
    /// A new pool.
    pub fn make_pool(&mut self, device: i32, default: bool) -> Handle {
        let handle = self.new_handle();
        self.pools.insert(handle, Pool { device, default, attributes: [1, 1, 1, 0], high: 0 });
        handle
    }

    /// The device's default pool.
    pub fn default_pool(&mut self, device: i32) -> Answer<Handle> {
        self.device(device)?;
        let found =
            self.pools.iter().find(|(_, pool)| pool.default && pool.device == device).map(|(h, _)| *h);
        Ok(found.unwrap_or_else(|| self.make_pool(device, true)))
    }

    /// A pool that must be alive.
    pub fn pool(&mut self, pool: Handle) -> Answer<&mut Pool> {
        match self.pools.get_mut(&pool) {
            Some(pool) => Ok(pool),
            None => refuse(INVALID_HANDLE, format!("pool {pool:#x} is not alive")),
        }
    }

    /// Bytes in use of a pool.
    pub fn pool_used(&self, pool: Handle) -> u64 {
        self.pools.get(&pool).map_or(0, |found| self.memory.used(found.device))
    }

    /// Memory that is there when the stream gets to it. 0 is the device's default pool.
    pub fn allocate_async(&mut self, bytes: u64, pool: Option<Handle>, stream: Handle) -> Answer<DevicePtr> {
        let context = self.current()?;
        let device = self.current_device()?;
        let pool = match pool {
            Some(pool) => pool,
            None => self.default_pool(device)?,
        };
        if self.pool(pool)?.device != device {
            return refuse(INVALID_VALUE, "the pool is another device's");
        }
        self.refuse_memory_nodes(stream)?;
        let address = self.memory.allocate(bytes, self.config.memory, (device, context, pool), false)?;
        let used = self.pool_used(pool);
        let high = &mut self.pool(pool)?.high;
        *high = used.max(*high);
        self.enqueue(stream, Op::Allocate(address))?;
        Ok(address)
    }

    /// Frees memory when the stream gets to it; nothing new may use it from now on.
    pub fn free_async(&mut self, address: DevicePtr, stream: Handle) -> Answer {
        self.memory.freeable(address)?;
        self.refuse_memory_nodes(stream)?;
        self.enqueue(stream, Op::Free(address))?;
        if let Some(allocation) = self.memory.get(address) {
            allocation.freeing = true;
        }
        Ok(())
    }
}
