//! Memory that libtorch allocates, and pages of files that it reads in place.

use crate::context::{Context, kind, signed};
use std::any::Any;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tch::{Kind, TchError, Tensor};
use tintype_accel::{Error, HostBytes, Purpose, Result, Storage, raise};
use tintype_program::TensorType;

/// Bytes that go to a GPU at once: what they are gathered in on the way is as large.
const PIECE: usize = 64 << 20;

/// Memory of a device.
pub(crate) struct TorchStorage {
    context: Arc<Context>,
    bytes: usize,
    purpose: Purpose,
    content: Mutex<Content>,
    /// Bytes of somebody else that the content is or was a view of. Kept to the end: an instance may still have the view.
    _adopted: Option<HostBytes>,
}

struct Content {
    /// `bytes` elements of u8.
    tensor: Tensor,
    /// Whether it lies over bytes of somebody else.
    is_adopted: bool,
}

impl TorchStorage {
    /// New memory.
    pub(crate) fn allocate(context: &Arc<Context>, bytes: usize, purpose: Purpose) -> Result<Arc<Self>> {
        let tensor = blank(context, bytes).map_err(|error| context.told(error))?;
        context.account.add(purpose, bytes as u64);
        raise(&context.counters.allocations, 1);
        let content = Mutex::new(Content { tensor, is_adopted: false });
        Ok(Arc::new(Self { context: Arc::clone(context), bytes, purpose, content, _adopted: None }))
    }

    /// Shared host memory as it lies, until it is written; `None` where it is not the device's, or nobody else's either, or does
    /// not lie on a boundary that every dtype may be read from.
    pub(crate) fn adopt(context: &Arc<Context>, adopted: &HostBytes, purpose: Purpose) -> Option<Arc<Self>> {
        const WIDEST: usize = align_of::<f32>();
        let slice = adopted.as_slice();
        let fits = slice.as_ptr().addr().is_multiple_of(WIDEST) && !slice.is_empty();
        if !(context.is_host() && adopted.is_shared() && fits) {
            return None;
        }
        let bytes = slice.len();
        // SAFETY: the bytes stay where they are for as long as `_adopted` is kept, which is until the storage and so every
        // instance that has a view of it is gone; nobody writes through the tensor, since `write` puts another in its place.
        let tensor = unsafe {
            Tensor::f_from_blob(slice.as_ptr(), &[bytes as i64], &[1], Kind::Uint8, tch::Device::Cpu)
        };
        let content = Mutex::new(Content { tensor: tensor.ok()?, is_adopted: true });
        context.account.add_mapped(bytes as u64);
        let (context, _adopted) = (Arc::clone(context), Some(adopted.clone()));
        Some(Arc::new(Self { context, bytes, purpose, content, _adopted }))
    }

    /// The memory behind a storage, which must be of this device and of libtorch. `role` and `name` are for the message.
    pub(crate) fn own<'s>(
        context: &Context,
        role: &'static str,
        name: &str,
        storage: &'s Arc<dyn Storage>,
    ) -> Result<&'s Self> {
        let found = storage.as_any().downcast_ref::<Self>();
        found.filter(|found| found.context.place == context.place).ok_or_else(|| Error::Binding {
            role,
            name: name.into(),
            wanted: format!("memory of libtorch on {}", context.device.label()),
            given: "memory of another device or engine".into(),
        })
    }

    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A tensor over the bytes from `offset` on.
    pub(crate) fn view(&self, offset: usize, ty: &TensorType) -> Result<Tensor> {
        let over = || {
            let bytes = self.part(offset, ty.bytes())?;
            match kind(ty.dtype) {
                Kind::Uint8 => bytes,
                kind => bytes.f_view_dtype(kind)?,
            }
            .f_view(signed(&ty.shape).as_slice())
        };
        over().map_err(|error| self.context.told(error))
    }

    /// A range of the bytes.
    pub(crate) fn part(&self, offset: usize, bytes: usize) -> std::result::Result<Tensor, TchError> {
        self.content().tensor.f_narrow(0, offset as i64, bytes as i64)
    }

    /// Enqueues a copy of `bytes` to `offset`, where there is room for them.
    pub(crate) fn write(&self, offset: usize, bytes: &HostBytes) -> Result<()> {
        let told = |error| self.context.told(error);
        let mut content = self.content();
        if content.is_adopted {
            let own = blank(&self.context, self.bytes).and_then(|mut own| {
                own.f_copy_(&content.tensor)?;
                Ok(own)
            });
            *content = Content { tensor: own.map_err(told)?, is_adopted: false };
            self.context.account.remove_mapped(self.bytes as u64);
            self.context.account.add(self.purpose, self.bytes as u64);
            self.context.moves.fetch_add(1, Ordering::AcqRel);
        }
        let mut done = 0;
        while done < bytes.len() {
            let length = (bytes.len() - done).min(PIECE);
            let place = content.tensor.f_narrow(0, (offset + done) as i64, length as i64);
            let mut place = place.map_err(told)?;
            match self.context.is_host() {
                true => fill(&mut place, bytes, done, length)?,
                false => {
                    let host = Tensor::f_empty([length as i64], (Kind::Uint8, tch::Device::Cpu));
                    let mut host = host.map_err(told)?;
                    fill(&mut host, bytes, done, length)?;
                    place.f_copy_(&host).map_err(told)?;
                }
            }
            done += length;
        }
        Ok(())
    }
}

/// Bytes of nothing in particular.
fn blank(context: &Context, bytes: usize) -> std::result::Result<Tensor, TchError> {
    Tensor::f_empty([bytes as i64], (Kind::Uint8, context.place))
}

/// Copies `length` bytes from `offset` on to host memory of as many bytes.
fn fill(place: &mut Tensor, bytes: &HostBytes, offset: usize, length: usize) -> Result<()> {
    // SAFETY: a contiguous tensor of `length` elements of u8 in host memory, which its caller has to itself.
    let into = unsafe { std::slice::from_raw_parts_mut(place.data_ptr().cast::<u8>(), length) };
    bytes.copy_to(offset, into)
}

impl Storage for TorchStorage {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl fmt::Debug for TorchStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TorchStorage({} bytes on {:?})", self.bytes, self.context.place)
    }
}

impl Drop for TorchStorage {
    fn drop(&mut self) {
        match self.content().is_adopted {
            true => self.context.account.remove_mapped(self.bytes as u64),
            false => self.context.account.remove(self.purpose, self.bytes as u64),
        }
    }
}
