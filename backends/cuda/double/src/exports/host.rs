//! Page-locked host memory.

use crate::abi::{DevicePtr, Out};
use crate::book::Kind;
use crate::status::{INVALID_VALUE, refuse};

crate::exports! {
    fn cuMemHostAlloc(pointer: Out<u64>, bytes: u64, flags: u32) {
        facts: |ok| format!("bytes={bytes} flags={flags} {}", if ok { "pinned" } else { "" }),
        track: |d| d.book.add(Kind::Pinned, pointer.get(), bytes),
        emulate: |d| { d.current()?; let made = d.host.allocate(bytes, flags)?; pointer.put(made) },
    }

    fn cuMemAllocHost_v2(pointer: Out<u64>, bytes: u64) {
        facts: |ok| format!("bytes={bytes} {}", if ok { "pinned" } else { "" }),
        track: |d| d.book.add(Kind::Pinned, pointer.get(), bytes),
        emulate: |d| { d.current()?; let made = d.host.allocate(bytes, 0)?; pointer.put(made) },
    }

    /// Waits for all work first, as the vendor's does: a copy may still be on its way.
    fn cuMemFreeHost(pointer: u64) {
        track: |d| d.book.remove(Kind::Pinned, pointer),
        emulate: |d| { d.current()?; d.drain_all(); d.host.free(pointer) },
    }

    fn cuMemHostRegister_v2(pointer: u64, bytes: u64, flags: u32) {
        facts: |ok| format!("bytes={bytes} flags={flags}"),
        track: |d| d.book.add(Kind::Registered, Some(pointer), bytes),
        emulate: |d| {
            d.current()?;
            crate::state::Double::flags(flags, 15)?;
            d.host.register(pointer, bytes, flags)
        },
    }

    fn cuMemHostUnregister(pointer: u64) {
        track: |d| d.book.remove(Kind::Registered, pointer),
        emulate: |d| { d.current()?; d.drain_all(); d.host.unregister(pointer) },
    }

    fn cuMemHostGetDevicePointer_v2(address: Out<DevicePtr>, pointer: u64, flags: u32) {
        emulate: |d| {
            d.current()?;
            match d.host.locked(pointer, 1) {
                Some(_) if flags == 0 => address.put(pointer),
                _ => refuse(INVALID_VALUE, "not page-locked memory"),
            }
        },
    }

    fn cuMemHostGetFlags(flags: Out<u32>, pointer: u64) {
        emulate: |d| {
            d.current()?;
            match d.host.locked(pointer, 1) {
                Some((_, locked)) => flags.put(locked.flags),
                None => refuse(INVALID_VALUE, "not page-locked memory"),
            }
        },
    }
}
