//! Device memory and pools.

use crate::abi::{DevicePtr, Handle, In, Out};
use crate::book::Kind;
use crate::memory::is_device;
use crate::status::{INVALID_VALUE, refuse};

crate::exports! {
    fn cuMemGetInfo_v2(free: Out<u64>, total: Out<u64>) {
        facts: |ok| if ok { format!("free={} total={}", free.get().unwrap_or(0), total.get().unwrap_or(0)) } else { String::new() },
        emulate: |d| {
            let device = d.current_device()?;
            free.put(d.config.memory.saturating_sub(d.memory.used(device)))?;
            total.put(d.config.memory)
        },
    }

    fn cuMemAlloc_v2(address: Out<DevicePtr>, bytes: u64) {
        facts: |ok| format!("bytes={bytes} {}", address.shown(ok, "address")),
        track: |d| d.book.add(Kind::Allocation, address.get(), bytes),
        emulate: |d| {
            let (context, device) = (d.current()?, d.current_device()?);
            let capacity = d.config.memory;
            let made = d.memory.allocate(bytes, capacity, (device, context, 0), true)?;
            address.put(made)
        },
    }

    fn cuMemFree_v2(address: DevicePtr) {
        facts: |ok| format!("address={address:#x}"),
        track: |d| d.book.remove(Kind::Allocation, address),
        emulate: |d| d.free_now(address),
    }

    fn cuMemAllocAsync(address: Out<DevicePtr>, bytes: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes} {}", address.shown(ok, "address")),
        track: |d| d.book.add(Kind::Allocation, address.get(), bytes),
        emulate: |d| { let made = d.allocate_async(bytes, None, stream)?; address.put(made) },
    }

    fn cuMemAllocFromPoolAsync(address: Out<DevicePtr>, bytes: u64, pool: Handle, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes} pool={pool:#x} {}", address.shown(ok, "address")),
        track: |d| d.book.add(Kind::Allocation, address.get(), bytes),
        emulate: |d| { let made = d.allocate_async(bytes, Some(pool), stream)?; address.put(made) },
    }

    fn cuMemFreeAsync(address: DevicePtr, stream: Handle) {
        stream: stream,
        facts: |ok| format!("address={address:#x}"),
        track: |d| d.book.remove(Kind::Allocation, address),
        emulate: |d| d.free_async(address, stream),
    }

    fn cuMemGetAddressRange_v2(base: Out<DevicePtr>, size: Out<u64>, address: DevicePtr) {
        emulate: |d| {
            d.current()?;
            let start = d.memory.find(address, 1)?;
            base.put_if(start);
            size.put_if(d.memory.get(start).map_or(0, |allocation| allocation.bytes));
            Ok(())
        },
    }

    fn cuDeviceGetDefaultMemPool(pool: Out<Handle>, device: i32) {
        facts: |ok| format!("device={device} {}", pool.shown(ok, "pool")),
        emulate: |d| { let found = d.default_pool(device)?; pool.put(found) },
    }

    fn cuDeviceGetMemPool(pool: Out<Handle>, device: i32) {
        facts: |ok| format!("device={device} {}", pool.shown(ok, "pool")),
        emulate: |d| { let found = d.default_pool(device)?; pool.put(found) },
    }

    /// Only device 0's place is read of the properties' location.
    fn cuMemPoolCreate(pool: Out<Handle>, properties: In<[u32; 4]>) {
        facts: |ok| pool.shown(ok, "pool"),
        track: |d| d.book.add(Kind::Pool, pool.get(), 0),
        emulate: |d| {
            // Allocation type, handle types, kind of location, its number.
            let [kind, _, location, device] = properties.get()?;
            if kind != 1 || location != 1 {
                return refuse(INVALID_VALUE, "a pool is pinned memory of a device");
            }
            d.device(device as i32)?;
            let made = d.make_pool(device as i32, false);
            pool.put(made)
        },
    }

    fn cuMemPoolDestroy(pool: Handle) {
        facts: |ok| format!("pool={pool:#x}"),
        track: |d| d.book.remove(Kind::Pool, pool),
        emulate: |d| {
            if d.pool(pool)?.default {
                return refuse(INVALID_VALUE, "the default pool stays");
            }
            d.pools.remove(&pool);
            Ok(())
        },
    }

    fn cuMemPoolSetAttribute(pool: Handle, attribute: u32, value: In<u32>) {
        facts: |ok| format!("pool={pool:#x} attribute={attribute}"),
        emulate: |d| {
            let low = u64::from(value.get()?);
            let wide = |low: u64| -> crate::abi::Answer<u64> { Ok(low | u64::from(value.at(1)?) << 32) };
            match attribute {
                1..=3 => d.pool(pool)?.attributes[attribute as usize - 1] = low,
                4 => { let threshold = wide(low)?; d.pool(pool)?.attributes[3] = threshold }
                6 | 8 => if wide(low)? == 0 { d.pool(pool)?.high = 0 } else {
                    return refuse(INVALID_VALUE, "a high mark can only be set to 0");
                },
                _ => return refuse(INVALID_VALUE, format!("pool attribute {attribute}")),
            }
            Ok(())
        },
    }

    fn cuMemPoolGetAttribute(pool: Handle, attribute: u32, value: Out<u32>) {
        facts: |ok| format!("pool={pool:#x} attribute={attribute}"),
        emulate: |d| {
            let used = d.pool_used(pool);
            let found = d.pool(pool)?;
            let wide = match attribute {
                1..=3 => return value.put(found.attributes[attribute as usize - 1] as u32),
                4 => found.attributes[3],
                5 | 7 => used,
                6 | 8 => found.high,
                _ => return refuse(INVALID_VALUE, format!("pool attribute {attribute}")),
            };
            value.put(wide as u32)?;
            value.put_at(1, (wide >> 32) as u32);
            Ok(())
        },
    }

    fn cuMemPoolTrimTo(pool: Handle, keep: u64) {
        facts: |ok| format!("pool={pool:#x} keep={keep}"),
        emulate: |d| d.pool(pool).map(drop),
    }

    fn cuPointerGetAttribute(value: Out<u32>, attribute: u32, address: u64) {
        facts: |ok| format!("attribute={attribute} address={address:#x}"),
        emulate: |d| {
            d.current()?;
            let (start, bytes, context, device, kind) = if is_device(address) {
                let start = d.memory.find(address, 1)?;
                let Some(found) = d.memory.get(start) else { return refuse(INVALID_VALUE, "no allocation") };
                (start, found.bytes, found.context, found.device, 2)
            } else {
                let Some((start, locked)) = d.host.locked(address, 1) else {
                    return refuse(INVALID_VALUE, format!("{address:#x} is memory that the driver does not know"));
                };
                (start, locked.bytes, d.current()?, 0, 1)
            };
            let wide = match attribute {
                1 => context,
                2 => return value.put(kind),
                3 | 4 if attribute == 3 || kind == 1 => address,
                8 => return value.put(0),
                9 => return value.put(device as u32),
                7 | 11 => start,
                12 => bytes,
                _ => return refuse(INVALID_VALUE, format!("pointer attribute {attribute}")),
            };
            value.put(wide as u32)?;
            value.put_at(1, (wide >> 32) as u32);
            Ok(())
        },
    }
}
