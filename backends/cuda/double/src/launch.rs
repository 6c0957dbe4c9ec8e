//! Launches: what the device could not do is refused, what is passed is copied and looked at.

use crate::abi::{Answer, Handle, In, LaunchAttribute};
use crate::memory::is_device;
use crate::state::Double;
use crate::status::*;
use crate::stream::Op;

/// One launch.
pub struct Launch {
    /// The function.
    pub function: Handle,
    /// Blocks.
    pub grid: [u32; 3],
    /// Threads a block.
    pub block: [u32; 3],
    /// Dynamic shared memory in bytes.
    pub shared: u32,
    /// The stream.
    pub stream: Handle,
}

impl Launch {
    /// The facts of the log.
    pub fn facts(&self) -> String {
        let [grid, block] = [self.grid, self.block].map(|[x, y, z]| format!("{x},{y},{z}"));
        format!("function={:#x} grid={grid} block={block} shared={}", self.function, self.shared)
    }
}

impl Double {
    /// Launches a kernel.
    pub fn launch(&mut self, launch: &Launch, parameters: In<u64>, extra: In<u64>) -> Answer {
        self.enqueueable(launch.stream)?;
        let function = self.loaded(launch.function)?;
        let name = format!("kernel={}", function.name.to_string_lossy());
        let (kernel, dynamic) = (function.kernel.clone(), function.dynamic_limit);
        self.note(name);
        let [gx, gy, gz] = launch.grid;
        let [bx, by, bz] = launch.block;
        if [gx, gy, gz, bx, by, bz].contains(&0) || gx > i32::MAX as u32 || gy > 65535 || gz > 65535 {
            return refuse(INVALID_VALUE, "the grid is out of the device's limits");
        }
        let threads = u64::from(bx) * u64::from(by) * u64::from(bz);
        if bx > 1024 || by > 1024 || bz > 64 || threads > 1024 {
            return refuse(INVALID_VALUE, format!("{threads} threads a block"));
        }
        if threads > u64::from(kernel.max_threads) || threads * u64::from(kernel.registers) > 65536 {
            return refuse(
                LAUNCH_OUT_OF_RESOURCES,
                format!("{threads} threads; it was compiled for {}", kernel.max_threads),
            );
        }
        if launch.shared > dynamic {
            return refuse(
                INVALID_VALUE,
                format!("{} bytes of shared memory; its attribute allows {dynamic}", launch.shared),
            );
        }
        if !extra.is_null() {
            return refuse(NOT_SUPPORTED, "parameters packed by `extra`");
        }
        let mut bytes = Vec::new();
        let mut addresses = Vec::new();
        for (index, (_, size)) in kernel.parameters.iter().enumerate() {
            let at = parameters.at(index)?;
            let mut value = vec![0; *size as usize];
            if at == 0 || self.host.read(at, &mut value).is_err() {
                return refuse(
                    INVALID_VALUE,
                    format!("parameter {index} of {} is not there", kernel.parameters.len()),
                );
            }
            for word in value.chunks_exact(8) {
                let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
                if is_device(word) {
                    if let Err(refusal) = self.memory.find(word, 0) {
                        self.sticky.get_or_insert(ILLEGAL_ADDRESS);
                        return refuse(ILLEGAL_ADDRESS, format!("parameter {index}: {}", refusal.why));
                    }
                    addresses.push(word);
                }
            }
            bytes.extend(value);
        }
        self.enqueue(launch.stream, Op::Kernel { function: launch.function, parameters: bytes, addresses })
    }

    /// Checks the attributes of a launch.
    pub fn launch_attributes(&self, grid: [u32; 3], attributes: In<LaunchAttribute>, count: u32) -> Answer {
        for index in 0..count as usize {
            let attribute = attributes.at(index)?;
            if attribute.id > 16 {
                return refuse(INVALID_VALUE, format!("launch attribute {}", attribute.id));
            }
            if attribute.id == 4 {
                let cluster = [attribute.value[0], attribute.value[1], attribute.value[2]];
                let blocks: u64 = cluster.iter().map(|n| u64::from(*n)).product();
                let fits = blocks > 0
                    && grid.iter().zip(cluster).all(|(grid, cluster)| grid.is_multiple_of(cluster));
                if self.config.capability < 90 || blocks > 16 || !fits {
                    return refuse(
                        INVALID_CLUSTER_SIZE,
                        format!("clusters of {cluster:?} in a grid of {grid:?}"),
                    );
                }
            }
        }
        Ok(())
    }
}
