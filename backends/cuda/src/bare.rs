//! What the driver and the libraries take by themselves, with nothing of this plugin built on them.

use crate::driver;
use crate::libraries::{Found, Library, find};
use crate::runtime::reach;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::Arc;
use std::time::Instant;
use tintype_accel::{Bare, Error, Result};
use tintype_gpu::driver::{Pinned, Queue};

/// Bytes of a copy.
const COPY: usize = 32 << 20;
/// Copies that follow each other at once, and how often that is timed.
const COPIES: usize = 8;
const ROUNDS: usize = 3;

/// A library's handle, and the functions that make it and let it go.
const HANDLES: [(Library, &str, &[u8], &[u8]); 2] = [
    (Library::CublasLt, "cublaslt", b"cublasLtCreate\0", b"cublasLtDestroy\0"),
    (Library::Cudnn, "cudnn", b"cudnnCreate\0", b"cudnnDestroy\0"),
];

/// Makes a context and a handle of each library that is there, and times copies to the device. Meant for a process that has
/// opened nothing: what it has opened takes no time here.
pub(crate) fn bare(ordinal: usize) -> Result<Bare> {
    let mut made = Vec::new();
    let mut begun = Instant::now();
    let mut done = |name: &str| {
        made.push((name.to_string(), begun.elapsed().as_secs_f64()));
        begun = Instant::now();
    };
    let (loaded, facts) = reach(ordinal)?;
    done("driver");
    let context = Arc::new(driver::context(loaded, &facts, driver::Nest::Off)?);
    done("context");
    let mut handles = Vec::new();
    for (library, name, create, destroy) in HANDLES {
        let Ok(found) = find(library) else { continue };
        handles.push(Handle::new(found, &context.label, create, destroy)?);
        done(name);
    }
    drop(handles);
    let upload = Some(bandwidth(&Arc::new(Queue::new(context)?))?);
    Ok(Bare { made, upload })
}

/// A library's handle. Destroyed when dropped.
struct Handle {
    raw: *mut c_void,
    destroy: unsafe extern "C" fn(*mut c_void) -> c_int,
}

impl Handle {
    /// The device's context is current.
    fn new(found: &Found, device: &str, create: &[u8], destroy: &[u8]) -> Result<Self> {
        let refuse = |reason: String| Error::Device {
            device: device.into(),
            reason: format!("{}: {reason}", found.path.display()),
        };
        type Create = unsafe extern "C" fn(*mut *mut c_void) -> c_int;
        type Destroy = unsafe extern "C" fn(*mut c_void) -> c_int;
        // SAFETY: the signatures are those of cublasLt.h and cudnn_graph.h.
        let create = unsafe { found.library.get::<Create>(create) }.map_err(|e| refuse(e.to_string()))?;
        // SAFETY: as above.
        let destroy = unsafe { found.library.get::<Destroy>(destroy) }.map_err(|e| refuse(e.to_string()))?;
        let mut raw = null_mut();
        // SAFETY: the handle may be written, and the context is current.
        match unsafe { create(&mut raw) } {
            0 => Ok(Self { raw, destroy: *destroy }),
            status => Err(refuse(format!("it makes no handle: status {status}"))),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made once, destroyed once, by the library that made it, which stays open. What it answers is of no use.
        let _ = unsafe { (self.destroy)(self.raw) };
    }
}

/// Device memory. Freed when dropped.
struct Target<'q> {
    queue: &'q Queue,
    address: u64,
}

impl Drop for Target<'_> {
    fn drop(&mut self) {
        // SAFETY: allocated once, freed once. An error has nowhere to go.
        let _ = unsafe { self.queue.api.free(self.address) };
    }
}

/// Bytes a second from page-locked memory to the device: the best round of copies behind each other.
fn bandwidth(queue: &Arc<Queue>) -> Result<f64> {
    let from = Pinned::new(queue, COPY)?;
    let mut to = Target { queue, address: 0 };
    // SAFETY: the context is current; the address may be written.
    queue.ok(unsafe { queue.api.allocate(&mut to.address, COPY) })?;
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        for _ in 0..COPIES {
            let source = from.address().cast_const().cast();
            // SAFETY: both hold so many bytes, and outlive the wait below.
            queue.ok(unsafe { queue.api.copy_to_device(to.address, source, COPY, queue.raw()) })?;
        }
        queue.synchronize()?;
        best = best.min(begun.elapsed().as_secs_f64());
    }
    Ok((COPIES * COPY) as f64 / best)
}
