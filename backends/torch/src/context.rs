//! What an accelerator shares with its modules, instances and memory.

use crate::family::Family;
use crate::ops;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tch::{Kind, TchError, Tensor};
use tintype_accel::{Counters, Device, Error, FencePoint, MemoryAccount, Result, WaitReason, raise};
use tintype_program::DType;

/// An open device and the books on it.
pub(crate) struct Context {
    pub(crate) device: Device,
    pub(crate) family: Family,
    /// libtorch's name of it.
    pub(crate) place: tch::Device,
    /// Whether factors of products in f32 may be rounded to tf32.
    pub(crate) tf32: bool,
    pub(crate) counters: Arc<Counters>,
    pub(crate) account: Arc<MemoryAccount>,
    /// How often memory of a weight has come to lie elsewhere.
    pub(crate) moves: AtomicU64,
    /// How much was enqueued, and how much of it is known to be done.
    enqueued: AtomicU64,
    done: AtomicU64,
    /// An element on the device: once it is read, all that was enqueued before is done.
    last: Mutex<Tensor>,
    nf4: Mutex<Tensor>,
}

impl Context {
    pub(crate) fn new(device: Device, family: Family, tf32: bool) -> Result<Arc<Self>> {
        let place = family.device(device.ordinal);
        let failed = |error| told(&device.label(), error);
        let last = Mutex::new(Tensor::f_zeros([1], (Kind::Uint8, place)).map_err(failed)?);
        let nf4 = Mutex::new(ops::nf4(place).map_err(failed)?);
        let (counters, account) = Default::default();
        let (moves, enqueued, done) = Default::default();
        Ok(Arc::new(Self {
            device,
            family,
            place,
            tf32,
            counters,
            account,
            moves,
            enqueued,
            done,
            last,
            nf4,
        }))
    }

    /// An error of libtorch.
    pub(crate) fn told(&self, error: TchError) -> Error {
        told(&self.device.label(), error)
    }

    /// The values of NF4's codes, on the device.
    pub(crate) fn nf4(&self) -> Tensor {
        self.nf4.lock().unwrap_or_else(PoisonError::into_inner).shallow_clone()
    }

    /// Whether work is done when the call that asks for it returns.
    pub(crate) fn is_host(&self) -> bool {
        self.family == Family::Cpu
    }

    /// Counts something enqueued, and says how many that are.
    pub(crate) fn mark(&self) -> u64 {
        self.enqueued.fetch_add(1, Ordering::AcqRel) + 1
    }

    fn is_done(&self, mark: u64) -> bool {
        self.is_host() || self.done.load(Ordering::Acquire) >= mark
    }

    /// Enters that the host has read, and so waited for, something behind all that was enqueued up to a mark.
    pub(crate) fn was_read(&self, mark: u64) {
        if !self.is_host() {
            raise(&self.counters.host_synchronizations, 1);
            self.done.fetch_max(mark, Ordering::AcqRel);
        }
    }

    /// Waits for all that was enqueued. Errors of it come out here.
    pub(crate) fn drain(&self) -> Result<()> {
        let mark = self.enqueued.load(Ordering::Acquire);
        if !self.is_host() {
            let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            let _read = last.f_to(tch::Device::Cpu).map_err(|error| self.told(error))?;
        }
        self.done.fetch_max(mark, Ordering::AcqRel);
        Ok(())
    }
}

/// A point of the queue. libtorch's events are not within reach, so that whoever asks for a point waits for all.
pub(crate) struct Mark {
    pub(crate) context: Arc<Context>,
    pub(crate) mark: u64,
}

impl FencePoint for Mark {
    fn poll(&self) -> Result<bool> {
        if !self.context.is_done(self.mark) {
            self.context.drain()?;
        }
        Ok(true)
    }

    fn wait(&self, reason: WaitReason) -> Result<()> {
        if self.context.is_done(self.mark) {
            return Ok(());
        }
        let counters = &self.context.counters;
        raise(
            match reason {
                WaitReason::Pacing => &counters.pacing_waits,
                WaitReason::Synchronize => &counters.host_synchronizations,
            },
            1,
        );
        self.context.drain()
    }
}

/// libtorch's words without the places in its sources, which stand below them.
pub(crate) fn words(error: &TchError) -> String {
    let text = error.to_string();
    let text = text.strip_prefix("Internal torch error: ").unwrap_or(&text);
    let end = ["\nException raised from", "\nframe #0", "\nCUDA kernel errors might"]
        .iter()
        .filter_map(|mark| text.find(mark));
    text.get(..end.min().unwrap_or(text.len())).unwrap_or(text).trim().to_owned()
}

/// An error of libtorch, on the device of this label.
fn told(device: &str, error: TchError) -> Error {
    let (device, reason) = (device.to_owned(), words(&error));
    let short = ["out of memory", "can't allocate memory"].iter().any(|words| reason.contains(words));
    match short {
        true => Error::DriverOutOfMemory { device, reason },
        false => Error::Device { device, reason },
    }
}

/// libtorch's name of a dtype.
pub(crate) fn kind(dtype: DType) -> Kind {
    match dtype {
        DType::F32 => Kind::Float,
        DType::F16 => Kind::Half,
        DType::Bf16 => Kind::BFloat16,
        DType::I32 => Kind::Int,
        DType::U8 => Kind::Uint8,
    }
}

/// Extents, or other numbers of a shape, as libtorch takes them. None is above 2^46.
pub(crate) fn signed(extents: &[usize]) -> Vec<i64> {
    extents.iter().map(|&extent| extent as i64).collect()
}
