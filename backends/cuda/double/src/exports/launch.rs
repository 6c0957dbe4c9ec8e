//! Launches and tensor maps.

use crate::abi::{Handle, In, LaunchConfig, Out};
use crate::launch::Launch;
use crate::status::{INVALID_VALUE, NOT_SUPPORTED, refuse};

/// The launch of a configuration; null gives none.
fn of(config: In<LaunchConfig>, function: Handle) -> Option<Launch> {
    let LaunchConfig { grid, block, shared, stream, .. } = config.get().ok()?;
    Some(Launch { function, grid, block, shared, stream })
}

crate::exports! {
    fn cuLaunchKernel(
        function: Handle, gx: u32, gy: u32, gz: u32, bx: u32, by: u32, bz: u32, shared: u32, stream: Handle,
        parameters: In<u64>, extra: In<u64>,
    ) {
        stream: stream,
        facts: |ok| Launch { function, grid: [gx, gy, gz], block: [bx, by, bz], shared, stream }.facts(),
        track: |d| d.log.add("launches", 1),
        emulate: |d| {
            let launch = Launch { function, grid: [gx, gy, gz], block: [bx, by, bz], shared, stream };
            d.launch(&launch, parameters, extra)
        },
    }

    fn cuLaunchKernelEx(config: In<LaunchConfig>, function: Handle, parameters: In<u64>, extra: In<u64>) {
        stream: config.get().map_or(0, |config| config.stream),
        facts: |ok| of(config, function).map(|launch| launch.facts()).unwrap_or_default(),
        track: |d| d.log.add("launches", 1),
        emulate: |d| {
            let whole = config.get()?;
            d.launch_attributes(whole.grid, whole.attributes, whole.count)?;
            match of(config, function) {
                Some(launch) => d.launch(&launch, parameters, extra),
                None => refuse(INVALID_VALUE, "no configuration"),
            }
        },
    }

    /// The map's 128 bytes begin with the address, so that a launch that is given the map is checked for it.
    fn cuTensorMapEncodeTiled(
        map: Out<[u64; 16]>, kind: u32, rank: u32, address: u64, dims: In<u64>, strides: In<u64>, boxes: In<u32>,
        steps: In<u32>, interleave: u32, swizzle: u32, promotion: u32, fill: u32,
    ) {
        facts: |ok| format!("address={address:#x} rank={rank} kind={kind}"),
        emulate: |d| {
            if d.config.capability < 90 {
                return refuse(NOT_SUPPORTED, "tensor maps need capability 9.0");
            }
            if !(1..=5).contains(&rank) || kind > 15 || interleave > 2 || swizzle > 6 || promotion > 3 || fill > 1 {
                return refuse(INVALID_VALUE, "a tensor map's rank or modes");
            }
            if !address.is_multiple_of(16) {
                return refuse(INVALID_VALUE, "a tensor map's address is a multiple of 16");
            }
            let mut bytes = 1;
            for index in 0..rank as usize {
                let (dim, size, step) = (dims.at(index)?, boxes.at(index)?, steps.at(index)?);
                if dim == 0 || dim > 1 << 32 || !(1..=256).contains(&size) || !(1..=8).contains(&step) {
                    return refuse(INVALID_VALUE, format!("dimension {index}: {dim} in boxes of {size} every {step}"));
                }
                if index > 0 {
                    let stride = strides.at(index - 1)?;
                    if !stride.is_multiple_of(16) || stride >= 1 << 40 {
                        return refuse(INVALID_VALUE, format!("stride {stride} of dimension {index}"));
                    }
                    bytes += (dim - 1).saturating_mul(stride);
                }
            }
            d.memory.find(address, bytes)?;
            let mut words = [0; 16];
            (words[0], words[1]) = (address, u64::from(rank) << 32 | u64::from(kind));
            map.put(words)
        },
    }
}
