//! Kernels: compiled, loaded, launched.

use super::Handle;
use super::Queue;
use super::Status;
use crate::compiler::{Code, Compiler};
use crate::{Architecture, Call, Kernel, KernelSource, Scalar};
use std::collections::HashMap;
use std::ffi::{CString, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::thread;
use tintype_accel::{Error, Result};

/// `CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES`, `HIP_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES`
const STATIC_SHARED: i32 = 1;
/// The most parameters of a kernel.
const PARAMETERS: usize = 128;

/// Statuses of code that is damaged or made for another device or a newer driver: `CUDA_ERROR_INVALID_IMAGE`,
/// `..._NO_BINARY_FOR_GPU`, `..._INVALID_PTX`, `..._UNSUPPORTED_PTX_VERSION`, `..._INVALID_SOURCE`, `..._NOT_FOUND`
const FOREIGN: [i32; 6] = [200, 209, 218, 222, 300, 500];

/// The kernels of a runtime. A [`Kernel`] is a place in the list.
pub(crate) struct Kernels {
    queue: Arc<Queue>,
    compiler: Compiler,
    prelude: String,
    /// Shared memory that a block may have.
    shared: u32,
    loaded: RwLock<Vec<Function>>,
    /// What each source became; locked while it becomes it, so that each does once.
    known: Mutex<HashMap<KernelSource, Arc<Mutex<Option<Kernel>>>>>,
    compiled: AtomicU64,
}

/// A kernel on the device.
struct Function {
    name: String,
    raw: Handle,
    _module: Module,
}

// SAFETY: a function may be launched from any thread.
unsafe impl Send for Function {}
// SAFETY: as above.
unsafe impl Sync for Function {}

/// Code on the device. Unloaded when dropped.
struct Module {
    queue: Arc<Queue>,
    raw: Handle,
}

fn internal(queue: &Queue, reason: String) -> Error {
    Error::Internal { backend: queue.backend.into(), reason }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kernels {
    pub(crate) fn new(queue: Arc<Queue>, compiler: Compiler, architecture: &Architecture) -> Self {
        Self {
            queue,
            compiler,
            prelude: crate::prelude::text(architecture),
            shared: architecture.shared,
            loaded: RwLock::default(),
            known: Mutex::default(),
            compiled: AtomicU64::new(0),
        }
    }

    pub(crate) fn compiled(&self) -> u64 {
        self.compiled.load(Ordering::Relaxed)
    }

    /// See [`crate::Runtime::load`].
    pub(crate) fn load(&self, source: &KernelSource) -> Result<Kernel> {
        let slot = Arc::clone(lock(&self.known).entry(source.clone()).or_default());
        let mut slot = lock(&slot);
        if let Some(kernel) = *slot {
            return Ok(kernel);
        }
        let function = self.make(source)?;
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let kernel = Kernel(loaded.len() as u64);
        loaded.push(function);
        *slot = Some(kernel);
        Ok(kernel)
    }

    /// Loads several, compiling on as many threads as there are cores. Each is tried once; the error is that of the first
    /// in the order of `sources`.
    pub(crate) fn load_all(&self, sources: &[KernelSource]) -> Result<Vec<Kernel>> {
        let next = AtomicUsize::new(0);
        let loaded: Vec<_> = sources.iter().map(|source| (source, OnceLock::new())).collect();
        let work = || {
            while let Some((source, kernel)) = loaded.get(next.fetch_add(1, Ordering::Relaxed)) {
                kernel.get_or_init(|| self.load(source));
            }
        };
        thread::scope(|scope| {
            let cores = thread::available_parallelism().map_or(1, usize::from);
            for _ in 1..cores.min(sources.len()) {
                // A thread that cannot be started leaves its share to the others.
                let _ = thread::Builder::new().name("tintype-compile".into()).spawn_scoped(scope, work);
            }
            work();
        });
        let none = || Err(internal(&self.queue, "a kernel was not loaded".into()));
        loaded.into_iter().map(|(_, kernel)| kernel.into_inner().unwrap_or_else(none)).collect()
    }

    fn make(&self, source: &KernelSource) -> Result<Function> {
        let text = format!("{}\n{}", self.prelude, source.code);
        let code = self.code(source, &text)?;
        let placed = match self.place(source, &code)? {
            // Code from the disk that the device does not take: made by a compiler too new for this driver, perhaps. This
            // is the one thing that is tried twice; any other status is told as it comes.
            Err(status) if !code.compiled && FOREIGN.contains(&status.code) => {
                self.compiler.discard(&code);
                self.place(source, &self.code(source, &text)?)?
            }
            placed => placed,
        };
        placed.map_err(|status| self.queue.error(status))
    }

    fn code(&self, source: &KernelSource, text: &str) -> Result<Code> {
        let code = self.compiler.code(&source.entry, text)?;
        self.compiled.fetch_add(u64::from(code.compiled), Ordering::Relaxed);
        Ok(code)
    }

    /// Puts code on the device; what the driver says to it is the inner result.
    fn place(&self, source: &KernelSource, code: &Code) -> Result<std::result::Result<Function, Status>> {
        let queue = &self.queue;
        let name = CString::new(source.entry.as_str())
            .map_err(|_| internal(queue, "a kernel's name has a NUL in it".into()))?;
        queue.enter()?;
        let mut module = Module { queue: Arc::clone(queue), raw: null_mut() };
        let mut raw = null_mut();
        let placed = (|| {
            // SAFETY: the context is current; the image is an ELF file, whose header says how long it is.
            unsafe { queue.api.module_load(&mut module.raw, code.bytes.as_ptr().cast()) }?;
            // SAFETY: the module is alive; the name is a string.
            unsafe { queue.api.module_function(&mut raw, module.raw, name.as_ptr()) }?;
            let mut fixed = 0;
            // SAFETY: the function is alive; the number may be written.
            unsafe { queue.api.function_attribute(&mut fixed, STATIC_SHARED, raw) }?;
            let most = self.shared.saturating_sub(fixed.unsigned_abs());
            queue.vendor().allow_shared(raw, most)
        })();
        Ok(placed.map(|()| Function { name: source.entry.clone(), raw, _module: module }))
    }

    /// See [`crate::Runtime::launch`].
    pub(crate) fn launch(&self, call: &Call<'_>) -> Result<()> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let function = usize::try_from(call.kernel.0).ok().and_then(|at| loaded.get(at));
        let function =
            function.ok_or_else(|| internal(&self.queue, format!("there is no kernel {}", call.kernel.0)))?;
        let count = call.params.len();
        if count > PARAMETERS {
            return Err(internal(
                &self.queue,
                format!("kernel `{}` has {count} parameters, {PARAMETERS} at most", function.name),
            ));
        }
        let mut values = [0_u64; PARAMETERS];
        for (value, param) in values.iter_mut().zip(call.params) {
            *value = bits(*param);
        }
        let mut pointers: [*mut c_void; PARAMETERS] =
            values.each_mut().map(|value| (value as *mut u64).cast());
        let queue = &self.queue;
        queue.enter()?;
        let ([gx, gy, gz], [bx, by, bz]) = (call.grid, call.block);
        // SAFETY: function and stream are alive. The driver copies as many values as the kernel has parameters before it
        // returns; there are more than any kernel has, those that the caller did not give being zero.
        let launched = unsafe {
            queue.api.launch(
                function.raw,
                gx,
                gy,
                gz,
                bx,
                by,
                bz,
                call.shared,
                queue.raw(),
                pointers.as_mut_ptr(),
                null_mut(),
            )
        };
        launched.map_err(|status| match queue.error(status) {
            Error::Device { device, reason } => Error::Device {
                device,
                reason: format!(
                    "kernel `{}`, grid {:?}, block {:?}, {} bytes of shared memory: {reason}",
                    function.name, call.grid, call.block, call.shared
                ),
            },
            Error::DriverOutOfMemory { device, reason } => {
                Error::DriverOutOfMemory { device, reason: format!("kernel `{}`: {reason}", function.name) }
            }
            other => other,
        })
    }
}

/// A parameter's bytes, the first ones where it is shorter than eight.
fn bits(param: Scalar) -> u64 {
    let four = |bytes: [u8; 4]| u64::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3], 0, 0, 0, 0]);
    match param {
        Scalar::Address(address) => address,
        Scalar::I64(value) => value as u64,
        Scalar::I32(value) => four(value.to_ne_bytes()),
        Scalar::F32(value) => four(value.to_ne_bytes()),
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        if !self.raw.is_null() && self.queue.enter().is_ok() {
            // SAFETY: loaded once, unloaded once; its functions go with it.
            let _ = unsafe { self.queue.api.module_unload(self.raw) };
        }
    }
}
