//! Copies and fills.

use crate::abi::{DevicePtr, Handle};

crate::exports! {
    fn cuMemcpyHtoD_v2(to: DevicePtr, from: u64, bytes: u64) {
        facts: |ok| format!("bytes={bytes} to={to:#x}"),
        track: |d| d.log.add("bytes_to_device", bytes),
        emulate: |d| { let (to, from) = (d.device_range(to, bytes), d.host_range(from, bytes)); d.copy(to, from, bytes, None) },
    }

    fn cuMemcpyHtoDAsync_v2(to: DevicePtr, from: u64, bytes: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes} to={to:#x}"),
        track: |d| d.log.add("bytes_to_device", bytes),
        emulate: |d| { let (to, from) = (d.device_range(to, bytes), d.host_range(from, bytes)); d.copy(to, from, bytes, Some(stream)) },
    }

    fn cuMemcpyDtoH_v2(to: u64, from: DevicePtr, bytes: u64) {
        facts: |ok| format!("bytes={bytes} from={from:#x}"),
        track: |d| d.log.add("bytes_to_host", bytes),
        emulate: |d| { let (to, from) = (d.host_range(to, bytes), d.device_range(from, bytes)); d.copy(to, from, bytes, None) },
    }

    fn cuMemcpyDtoHAsync_v2(to: u64, from: DevicePtr, bytes: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes} from={from:#x}"),
        track: |d| d.log.add("bytes_to_host", bytes),
        emulate: |d| { let (to, from) = (d.host_range(to, bytes), d.device_range(from, bytes)); d.copy(to, from, bytes, Some(stream)) },
    }

    fn cuMemcpyDtoD_v2(to: DevicePtr, from: DevicePtr, bytes: u64) {
        facts: |ok| format!("bytes={bytes} to={to:#x} from={from:#x}"),
        track: |d| d.log.add("bytes_on_device", bytes),
        emulate: |d| { let (to, from) = (d.device_range(to, bytes), d.device_range(from, bytes)); d.copy(to, from, bytes, None) },
    }

    fn cuMemcpyDtoDAsync_v2(to: DevicePtr, from: DevicePtr, bytes: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes} to={to:#x} from={from:#x}"),
        track: |d| d.log.add("bytes_on_device", bytes),
        emulate: |d| { let (to, from) = (d.device_range(to, bytes), d.device_range(from, bytes)); d.copy(to, from, bytes, Some(stream)) },
    }

    fn cuMemcpy(to: u64, from: u64, bytes: u64) {
        facts: |ok| format!("bytes={bytes}"),
        track: |d| d.log.add("bytes_unified", bytes),
        emulate: |d| { let (to, from) = (d.any_range(to, bytes), d.any_range(from, bytes)); d.copy(to, from, bytes, None) },
    }

    fn cuMemcpyAsync(to: u64, from: u64, bytes: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={bytes}"),
        track: |d| d.log.add("bytes_unified", bytes),
        emulate: |d| { let (to, from) = (d.any_range(to, bytes), d.any_range(from, bytes)); d.copy(to, from, bytes, Some(stream)) },
    }

    fn cuMemsetD8_v2(to: DevicePtr, value: u8, count: u64) {
        facts: |ok| format!("bytes={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, vec![value], count, None),
    }

    fn cuMemsetD16_v2(to: DevicePtr, value: u16, count: u64) {
        facts: |ok| format!("elements={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, value.to_le_bytes().to_vec(), count, None),
    }

    fn cuMemsetD32_v2(to: DevicePtr, value: u32, count: u64) {
        facts: |ok| format!("elements={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, value.to_le_bytes().to_vec(), count, None),
    }

    fn cuMemsetD8Async(to: DevicePtr, value: u8, count: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("bytes={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, vec![value], count, Some(stream)),
    }

    fn cuMemsetD16Async(to: DevicePtr, value: u16, count: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("elements={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, value.to_le_bytes().to_vec(), count, Some(stream)),
    }

    fn cuMemsetD32Async(to: DevicePtr, value: u32, count: u64, stream: Handle) {
        stream: stream,
        facts: |ok| format!("elements={count} to={to:#x}"),
        emulate: |d| d.fill_with(to, value.to_le_bytes().to_vec(), count, Some(stream)),
    }
}
