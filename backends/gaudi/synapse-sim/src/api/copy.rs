//! Copies and fills, in the order of their stream.

use std::sync::Arc;

use super::api;
use crate::abi::{Fault, Outcome, Status, fault};
use crate::guard::list;
use crate::host::Range;
use crate::launch::exclusive;
use crate::memory::Region;
use crate::state::{Handle, State, lock, state};
use crate::stream::Job;

/// One end of a copy.
enum End {
    Device(Arc<Region>, usize),
    Host(#[allow(dead_code)] Option<Arc<Range>>, u64),
}

fn device(state: &mut State, address: u64, size: u64) -> Outcome<End> {
    let memory = &state.device(0)?.memory;
    match memory.find(address, size) {
        Some(region) => {
            let offset = region.offset(address, size).unwrap_or_default();
            Ok(End::Device(region, offset))
        }
        None => {
            crate::misuse::note(format!("device {address:#x} is not {size} bytes of live memory"));
            fault(Status::INVALID_ARGUMENT, format!("device {address:#x} is not {size} bytes of live memory"))
        }
    }
}

fn host(state: &mut State, address: u64, size: u64) -> Outcome<End> {
    match state.device(0)?.host.find(address, size) {
        Some(range) => Ok(End::Host(Some(range), address)),
        None => fault(Status::MAPPING_NOT_FOUND, format!("host {address:#x} is not {size} mapped bytes")),
    }
}

/// Resolves and queues one copy.
fn copy(stream: Handle, source: u64, size: u64, target: u64, direction: i32, function: &str) -> Outcome {
    let mut state = state();
    let stream = state.stream(stream)?;
    if size == 0 {
        return Ok(());
    }
    if source == 0 || target == 0 {
        return fault(Status::INVALID_ARGUMENT, "an address of 0");
    }
    let (source, target) = match direction {
        0 => (host(&mut state, source, size)?, device(&mut state, target, size)?),
        1 => (device(&mut state, source, size)?, host(&mut state, target, size)?),
        2 => (device(&mut state, source, size)?, device(&mut state, target, size)?),
        _ => return fault(Status::INVALID_ARGUMENT, format!("direction {direction}")),
    };
    if let (End::Device(from, at), End::Device(to, begin)) = (&source, &target)
        && from.base == to.base
        && at.abs_diff(*begin) < size as usize
    {
        return fault(Status::INVALID_ARGUMENT, "source and target overlap");
    }
    let failure = crate::inject::on_stream(function);
    stream.push(Job::Work(
        "copy",
        Box::new(move || {
            if let Some(status) = failure {
                return fault(status, "made to fail on its stream");
            }
            exclusive(|| transfer(source, target, size as usize));
            Ok(())
        }),
    ));
    Ok(())
}

fn transfer(source: End, target: End, size: usize) {
    match (source, target) {
        (End::Host(_range, from), End::Device(region, offset)) => {
            let mut bytes = lock(&region.bytes);
            let room = &mut bytes[offset..offset + size];
            // SAFETY: the range was mapped by the caller, who keeps it valid until it is unmapped; unmapping
            // is refused while this job holds it.
            unsafe { std::ptr::copy_nonoverlapping(from as *const u8, room.as_mut_ptr(), size) };
        }
        (End::Device(region, offset), End::Host(_range, to)) => {
            let bytes = lock(&region.bytes);
            let data = &bytes[offset..offset + size];
            // SAFETY: as above.
            unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), to as *mut u8, size) };
        }
        (End::Device(from, at), End::Device(to, begin)) => {
            if from.base == to.base {
                lock(&from.bytes).copy_within(at..at + size, begin);
            } else {
                let data = lock(&from.bytes);
                lock(&to.bytes)[begin..begin + size].copy_from_slice(&data[at..at + size]);
            }
        }
        (End::Host(..), End::Host(..)) => {}
    }
}

fn fill(stream: Handle, address: u64, value: &[u8], count: usize, function: &str) -> Outcome {
    let mut state = state();
    let stream = state.stream(stream)?;
    if count == 0 {
        return Ok(());
    }
    let size = count
        .checked_mul(value.len())
        .ok_or_else(|| Fault { status: Status::INVALID_ARGUMENT, why: format!("{count} elements") })?;
    let End::Device(region, offset) = device(&mut state, address, size as u64)? else { return Ok(()) };
    let value = value.to_vec();
    let failure = crate::inject::on_stream(function);
    stream.push(Job::Work(
        "memset",
        Box::new(move || {
            if let Some(status) = failure {
                return fault(status, "made to fail on its stream");
            }
            exclusive(|| {
                let mut bytes = lock(&region.bytes);
                bytes[offset..offset + size]
                    .chunks_exact_mut(value.len())
                    .for_each(|chunk| chunk.copy_from_slice(&value));
            });
            Ok(())
        }),
    ));
    Ok(())
}

api! {
    fn synMemCopyAsync(stream: Handle, source: u64, size: u64, target: u64, direction: i32) |facts| {
        *facts = format!("stream={stream:#x} src={source:#x} size={size} dst={target:#x} dir={direction}");
        copy(stream, source, size, target, direction, "synMemCopyAsync")
    }

    fn synMemCopyAsyncMultiple(
        stream: Handle,
        sources: *const u64,
        sizes: *const u64,
        targets: *const u64,
        direction: i32,
        count: u64,
    ) |facts| {
        *facts = format!("stream={stream:#x} copies={count} dir={direction}");
        let count = count as usize;
        let (sources, sizes, targets) = (list(sources, count)?, list(sizes, count)?, list(targets, count)?);
        state().stream(stream)?;
        for index in 0..count {
            copy(stream, sources[index], sizes[index], targets[index], direction, "synMemCopyAsyncMultiple")?;
        }
        Ok(())
    }

    fn synMemsetD32Async(address: u64, value: u32, count: usize, stream: Handle) |facts| {
        *facts = format!("stream={stream:#x} dst={address:#x} elements={count}");
        fill(stream, address, &value.to_le_bytes(), count, "synMemsetD32Async")
    }

    fn synMemsetD16Async(address: u64, value: u16, count: usize, stream: Handle) |facts| {
        *facts = format!("stream={stream:#x} dst={address:#x} elements={count}");
        fill(stream, address, &value.to_le_bytes(), count, "synMemsetD16Async")
    }

    fn synMemsetD8Async(address: u64, value: u8, count: usize, stream: Handle) |facts| {
        *facts = format!("stream={stream:#x} dst={address:#x} elements={count}");
        fill(stream, address, &[value], count, "synMemsetD8Async")
    }
}
