//! The one way in: every exported function goes through [`run`], which counts, refuses, forwards and logs.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::abi::{Answer, Handle};
use crate::faults::Strike;
use crate::state::{self, Double};
use crate::status::{NOT_INITIALIZED, NOT_PERMITTED, Refusal, SHARED_OBJECT_INIT_FAILED, UNKNOWN, refuse};
use crate::{forward, gate, thread};

/// One call of one exported function.
pub struct Call<R, E, F, T> {
    /// The exported name.
    pub name: &'static str,
    /// The stream it works on, for the log.
    pub stream: Option<Handle>,
    /// Calls the real driver, where there is one.
    pub real: Option<R>,
    /// Does it without one.
    pub emulate: E,
    /// What the log says of it; told whether it succeeded.
    pub facts: F,
    /// Keeps the book after success.
    pub track: T,
}

/// Runs a call and answers its status. No panic leaves it.
pub fn run<R, E, F, T>(call: Call<R, E, F, T>) -> u32
where
    R: FnOnce() -> u32,
    E: FnOnce(&mut Double) -> Answer,
    F: FnOnce(bool) -> String,
    T: FnOnce(&mut Double),
{
    let name = call.name;
    catch_unwind(AssertUnwindSafe(|| answer(call))).unwrap_or_else(|_| {
        eprintln!("tintype-cuda-double: {name} panicked: a defect of the double");
        UNKNOWN
    })
}

fn answer<R, E, F, T>(call: Call<R, E, F, T>) -> u32
where
    R: FnOnce() -> u32,
    E: FnOnce(&mut Double) -> Answer,
    F: FnOnce(bool) -> String,
    T: FnOnce(&mut Double),
{
    let forwarding = call.real.is_some();
    if thread::in_callback() && !forwarding {
        return NOT_PERMITTED;
    }
    let mut double = state::lock();
    let number = double.log.begin(call.name);
    double.notes.clear();
    let stream = call.stream.map(|stream| {
        let word = if forwarding { forwarded_word(stream) } else { double.capture_word(stream) };
        format!("stream={stream:#x} {word}")
    });
    let mut outcome = admit(&mut double, call.name, forwarding);
    let mut strike_later = None;
    match double.faults.strike(call.name) {
        Some(Strike::Now(status)) if outcome.is_ok() => outcome = refuse(status, "injected"),
        Some(Strike::Later(status)) => strike_later = Some(status),
        _ => {}
    }
    let mut status = 0;
    match (outcome, call.real) {
        (Err(refusal), _) => status = double.refused(refusal),
        (Ok(()), Some(real)) => {
            // The real call may wait, and its callbacks may call back.
            drop(double);
            status = real();
            double = state::lock();
            double.notes.clear();
        }
        (Ok(()), None) => {
            if let Err(refusal) = (call.emulate)(&mut double) {
                status = double.refused(refusal);
            }
        }
    }
    if status == 0 {
        (call.track)(&mut double);
        double.latent = strike_later.or(double.latent);
    }
    let mut facts: Vec<String> = stream.into_iter().collect();
    facts.push((call.facts)(status == 0));
    facts.append(&mut double.notes);
    double.log.end(number, call.name, status, &facts);
    let callbacks = std::mem::take(&mut double.callbacks);
    drop(double);
    thread::run_callbacks(callbacks);
    status
}

/// Whether the call may be carried out at all, whatever its parameters.
fn admit(double: &mut Double, name: &'static str, forwarding: bool) -> Answer {
    if let Some(status) = double.latent.filter(|_| gate::surfaces(name)) {
        double.latent = None;
        double.sticky = Some(status);
        return refuse(status, "a fault of earlier work surfaces");
    }
    if let Some(status) = double.sticky.filter(|_| !gate::after_sticky(name)) {
        return refuse(status, "sticky");
    }
    if forwarding {
        return Ok(());
    }
    if forward::wanted() {
        return refuse(SHARED_OBJECT_INIT_FAILED, "the real driver, or this function in it, was not found");
    }
    if !double.initialized && !gate::before_init(name) {
        return refuse(NOT_INITIALIZED, "before cuInit");
    }
    if gate::unsafe_in_capture(name) { double.refuse_in_capture() } else { Ok(()) }
}

impl Double {
    fn refused(&mut self, refusal: Refusal) -> u32 {
        if !refusal.why.is_empty() {
            self.notes.push(format!("why=\"{}\"", refusal.why));
        }
        refusal.status
    }
}

/// The real driver's word on a stream.
fn forwarded_word(stream: Handle) -> &'static str {
    static REAL: forward::Symbol = forward::Symbol::new("cuStreamIsCapturing");
    let Some(address) = REAL.get() else { return "unknown" };
    // SAFETY: the driver's function of this name has this type.
    let real: unsafe extern "C" fn(u64, *mut u32) -> u32 = unsafe { std::mem::transmute(address) };
    let mut word = 0u32;
    // SAFETY: the out pointer is ours; the handle is the caller's, who is about to use it anyway.
    match (unsafe { real(stream, &mut word) }, word) {
        (0, 0) => "idle",
        (0, 1) => "capturing",
        (0, _) => "invalidated",
        _ => "unknown",
    }
}

/// Defines exported functions, and `table()` of their names and addresses for `cuGetProcAddress`.
///
/// Each has: `emulate`, what it does without a real driver; and if it likes `stream`, `facts` and `track`.
#[macro_export]
#[doc(hidden)]
macro_rules! exports {
    ($(
        $(#[doc = $doc:literal])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) {
            $(stream: $stream:expr,)?
            $(facts: |$ok:ident| $facts:expr,)?
            $(track: |$book:ident| $track:expr,)?
            emulate: |$double:ident| $body:expr $(,)?
        }
    )*) => {
        $(
            $(#[doc = $doc])*
            #[doc = concat!("The driver's `", stringify!($name), "`.")]
            #[allow(non_snake_case, unused_variables, clippy::too_many_arguments)]
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($($arg: $ty),*) -> u32 {
                static REAL: $crate::forward::Symbol = $crate::forward::Symbol::new(stringify!($name));
                $crate::entry::run($crate::entry::Call {
                    name: stringify!($name),
                    stream: None $(.or(Some($stream)))?,
                    real: REAL.get().map(|address| move || {
                        // SAFETY: the real driver's function of this name has this type, and the arguments are the
                        // caller's own, passed on as they came.
                        unsafe {
                            let real: unsafe extern "C" fn($($ty),*) -> u32 = std::mem::transmute(address);
                            real($($arg),*)
                        }
                    }),
                    emulate: |$double: &mut $crate::state::Double| -> $crate::abi::Answer { $body },
                    facts: |_ok: bool| -> String {
                        let _facts = String::new();
                        $(let _facts: String = { let $ok = _ok; $facts };)?
                        _facts
                    },
                    track: |_double: &mut $crate::state::Double| {
                        $(let $book = _double; $track)?
                    },
                })
            }
        )*

        /// The functions of this file by name.
        pub fn table() -> Vec<(&'static str, *mut std::ffi::c_void)> {
            vec![$((stringify!($name), $name as *mut std::ffi::c_void)),*]
        }
    };
}
