//! Contexts.

use crate::abi::{Handle, Out};
use crate::book::Kind;
use crate::status::{INVALID_CONTEXT, INVALID_VALUE, STREAM_CAPTURE_UNSUPPORTED, UNSUPPORTED_LIMIT, refuse};
use crate::thread;

crate::exports! {
    fn cuDevicePrimaryCtxRetain(context: Out<Handle>, device: i32) {
        facts: |ok| format!("device={device} {}", context.shown(ok, "context")),
        track: |d| {
            d.book.add(Kind::Context, context.get(), 0);
            d.forwarded_retain(device, 1);
        },
        emulate: |d| {
            let handle = d.retain_primary(device)?;
            context.put(handle)
        },
    }

    fn cuDevicePrimaryCtxRelease_v2(device: i32) {
        facts: |ok| format!("device={device}"),
        track: |d| d.forwarded_retain(device, -1),
        emulate: |d| d.release_primary(device),
    }

    fn cuDevicePrimaryCtxReset_v2(device: i32) {
        facts: |ok| format!("device={device}"),
        track: |d| d.book.context_gone(),
        emulate: |d| {
            d.device(device)?;
            match d.primary(device) {
                Some(context) => d.destroy_context(context),
                None => Ok(()),
            }
        },
    }

    fn cuDevicePrimaryCtxSetFlags_v2(device: i32, flags: u32) {
        emulate: |d| d.primary_is_inactive(device),
    }

    fn cuDevicePrimaryCtxGetState(device: i32, flags: Out<u32>, active: Out<i32>) {
        emulate: |d| {
            d.device(device)?;
            flags.put(0)?;
            active.put(i32::from(d.primary(device).is_some()))
        },
    }

    fn cuCtxCreate_v2(context: Out<Handle>, flags: u32, device: i32) {
        facts: |ok| format!("device={device} {}", context.shown(ok, "context")),
        track: |d| d.book.add(Kind::Context, context.get(), 0),
        emulate: |d| {
            let handle = d.make_context(device, false, flags)?;
            context.put(handle)?;
            thread::push(handle);
            Ok(())
        },
    }

    fn cuCtxDestroy_v2(context: Handle) {
        facts: |ok| format!("context={context:#x}"),
        track: |d| d.book.remove(Kind::Context, context),
        emulate: |d| {
            if d.context(context)?.primary {
                return refuse(INVALID_CONTEXT, "a primary context is released, not destroyed");
            }
            d.destroy_context(context)?;
            if thread::current() == context {
                thread::pop();
            }
            Ok(())
        },
    }

    fn cuCtxGetCurrent(context: Out<Handle>) {
        facts: |ok| context.shown(ok, "context"),
        emulate: |d| context.put(thread::current()),
    }

    fn cuCtxSetCurrent(context: Handle) {
        facts: |ok| format!("context={context:#x}"),
        emulate: |d| {
            if context != 0 {
                d.context(context)?;
            }
            thread::set_current(context);
            Ok(())
        },
    }

    fn cuCtxPushCurrent_v2(context: Handle) {
        facts: |ok| format!("context={context:#x}"),
        emulate: |d| { d.context(context)?; thread::push(context); Ok(()) },
    }

    fn cuCtxPopCurrent_v2(context: Out<Handle>) {
        emulate: |d| match thread::pop() {
            Some(popped) => { context.put_if(popped); Ok(()) }
            None => refuse(INVALID_CONTEXT, "the stack of contexts is empty"),
        },
    }

    fn cuCtxSynchronize() {
        emulate: |d| {
            let context = d.current()?;
            let streams = d.streams_of(context);
            if let Some(captured) = streams.iter().find(|key| d.capture_of(**key).is_some()) {
                d.invalidate(*captured);
                return refuse(STREAM_CAPTURE_UNSUPPORTED, "a stream of the context is being captured");
            }
            for stream in streams {
                d.drain(stream, u64::MAX);
            }
            d.surface()
        },
    }

    fn cuCtxGetDevice(device: Out<i32>) {
        emulate: |d| { let number = d.current_device()?; device.put(number) },
    }

    fn cuCtxGetFlags(flags: Out<u32>) {
        emulate: |d| { let current = d.current()?; flags.put(d.context(current)?.flags) },
    }

    fn cuCtxGetApiVersion(context: Handle, version: Out<u32>) {
        emulate: |d| {
            if context == 0 { d.current()?; } else { d.context(context)?; }
            version.put(3020)
        },
    }

    fn cuCtxGetLimit(value: Out<u64>, limit: u32) {
        emulate: |d| {
            let current = d.current()?;
            match d.context(current)?.limits.get(limit as usize) {
                Some(found) if limit < 7 => value.put(*found),
                _ => refuse(UNSUPPORTED_LIMIT, format!("limit {limit}")),
            }
        },
    }

    fn cuCtxSetLimit(limit: u32, value: u64) {
        facts: |ok| format!("limit={limit} value={value}"),
        emulate: |d| {
            let current = d.current()?;
            match d.contexts.get_mut(&current).and_then(|context| context.limits.get_mut(limit as usize)) {
                Some(found) if limit < 7 => { *found = value; Ok(()) }
                _ => refuse(UNSUPPORTED_LIMIT, format!("limit {limit}")),
            }
        },
    }

    fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) {
        emulate: |d| { d.current()?; least.put_if(0); greatest.put_if(-5); Ok(()) },
    }

    fn cuCtxGetCacheConfig(config: Out<u32>) {
        emulate: |d| { d.current()?; config.put(0) },
    }

    fn cuCtxSetCacheConfig(config: u32) {
        emulate: |d| {
            d.current()?;
            if config > 3 { refuse(INVALID_VALUE, format!("cache configuration {config}")) } else { Ok(()) }
        },
    }
}
