//! Contexts: a device's primary one, which is counted, and those that a caller makes.

use crate::abi::{Answer, Handle};
use crate::state::Double;
use crate::status::{
    CONTEXT_IS_DESTROYED, DEVICE_UNAVAILABLE, INVALID_CONTEXT, PRIMARY_CONTEXT_ACTIVE, refuse,
};
use crate::thread;

/// One context.
#[derive(Debug)]
pub struct Context {
    /// Its device's number.
    pub device: i32,
    /// Whether it is the device's primary one.
    pub primary: bool,
    /// How often the primary one is retained; 1 for others.
    pub retained: u32,
    /// Flags it was made with.
    pub flags: u32,
    /// Limits that were set.
    pub limits: [u64; 16],
}

impl Double {
    /// The device's primary context, made if need be.
    pub fn retain_primary(&mut self, device: i32) -> Answer<Handle> {
        self.device(device)?;
        if let Some(handle) = self.primary(device) {
            if let Some(context) = self.contexts.get_mut(&handle) {
                context.retained += 1;
            }
            return Ok(handle);
        }
        self.make_context(device, true, 0)
    }

    /// A new context.
    pub fn make_context(&mut self, device: i32, primary: bool, flags: u32) -> Answer<Handle> {
        self.device(device)?;
        if self.config.busy {
            return refuse(DEVICE_UNAVAILABLE, "the device is held by another process");
        }
        let handle = self.new_handle();
        let limits = [1024, 1 << 20, 8 << 20, 2, 2048, 128, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        self.contexts.insert(handle, Context { device, primary, retained: 1, flags, limits });
        Ok(handle)
    }

    /// The primary context of a device, if it is active.
    pub fn primary(&self, device: i32) -> Option<Handle> {
        self.contexts.iter().find(|(_, context)| context.primary && context.device == device).map(|(h, _)| *h)
    }

    /// Gives the primary context back; the last release destroys it and reports what was still alive.
    pub fn release_primary(&mut self, device: i32) -> Answer {
        self.device(device)?;
        let Some(handle) = self.primary(device) else {
            return refuse(INVALID_CONTEXT, "the primary context is not retained");
        };
        match self.contexts.get_mut(&handle) {
            Some(context) if context.retained > 1 => {
                context.retained -= 1;
                Ok(())
            }
            _ => self.destroy_context(handle),
        }
    }

    /// Destroys a context with all that is in it, after its work is done.
    pub fn destroy_context(&mut self, context: Handle) -> Answer {
        if !self.contexts.contains_key(&context) {
            return refuse(INVALID_CONTEXT, "the context is not alive");
        }
        let streams: Vec<Handle> = self.streams_of(context);
        for stream in &streams {
            self.drain(*stream, u64::MAX);
        }
        self.report_leaks();
        self.streams.retain(|_, stream| stream.context != context);
        self.events.retain(|_, event| event.context != context);
        self.captures.clear();
        self.modules.retain(|_, module| module.library || module.context != context);
        self.memory.forget(context);
        self.host.forget();
        self.contexts.remove(&context);
        if self.contexts.is_empty() {
            self.book.context_gone();
        }
        // A sticky error dies with the context it spoilt.
        self.sticky = None;
        self.latent = None;
        Ok(())
    }

    /// Counts retains of the real driver's primary context; the last release reports what was still alive.
    pub fn forwarded_retain(&mut self, device: i32, by: i64) {
        if crate::forward::library().is_none() {
            return;
        }
        let retained = self.retains.entry(device).or_default();
        *retained += by;
        if *retained == 0 {
            self.report_leaks();
            self.book.context_gone();
            (self.sticky, self.latent) = (None, None);
        }
    }

    fn report_leaks(&mut self) {
        let leaks = self.book.leaks();
        self.note(format!("leaks={}", if leaks.is_empty() { "none" } else { &leaks }));
    }

    /// The context that is current on this thread.
    pub fn current(&self) -> Answer<Handle> {
        match thread::current() {
            0 => refuse(INVALID_CONTEXT, "no context is current on this thread"),
            context if !self.contexts.contains_key(&context) => {
                refuse(CONTEXT_IS_DESTROYED, "the current context was destroyed")
            }
            context => Ok(context),
        }
    }

    /// A context that must be alive.
    pub fn context(&self, context: Handle) -> Answer<&Context> {
        match self.contexts.get(&context) {
            Some(context) => Ok(context),
            None => refuse(INVALID_CONTEXT, format!("context {context:#x} is not alive")),
        }
    }

    /// The current context's device.
    pub fn current_device(&self) -> Answer<i32> {
        let current = self.current()?;
        Ok(self.context(current)?.device)
    }

    /// Flags of the primary context may only be set while it is not active.
    pub fn primary_is_inactive(&self, device: i32) -> Answer {
        self.device(device)?;
        if self.primary(device).is_some() {
            return refuse(PRIMARY_CONTEXT_ACTIVE, "the primary context is active");
        }
        Ok(())
    }
}
