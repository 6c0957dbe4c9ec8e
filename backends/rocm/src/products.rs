//! Work that hipBLASLt takes.

use crate::architecture::base;
use crate::hipblaslt::HipblasLt;
use crate::libraries::{self, Library, REMEDY};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use tintype_gpu::blas::Blas;
use tintype_gpu::driver::{Queue, entered};
use tintype_gpu::{Architecture, LibraryOp, Offer};

/// What products are made by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Products {
    /// hipBLASLt, where it is there and takes them; else kernels of our own.
    #[default]
    HipblasLt,
    /// Kernels of our own.
    Own,
}

impl FromStr for Products {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "hipblaslt" => Ok(Products::HipblasLt),
            "own" => Ok(Products::Own),
            _ => Err(format!("`{text}` makes no products; there are hipblaslt, own")),
        }
    }
}

/// The libraries of a runtime, opened at the first offer. They are dropped with the device current.
pub(crate) struct Libraries {
    products: Products,
    architecture: String,
    blas: OnceLock<Result<Blas, String>>,
    queue: Arc<Queue>,
}

impl Libraries {
    pub(crate) fn new(queue: &Arc<Queue>, architecture: &Architecture, products: Products) -> Self {
        let architecture = base(&architecture.name).to_owned();
        Self { products, architecture, blas: OnceLock::new(), queue: Arc::clone(queue) }
    }

    fn blas(&self) -> Result<&Blas, String> {
        let open = || {
            if self.products == Products::Own {
                return Err("TINTYPE_ROCM_PRODUCTS is `own`".into());
            }
            let opened =
                libraries::find(Library::HipblasLt).map_err(|missing| format!("{missing}. {REMEDY}"))?;
            self.enough_memory()?;
            let vendor = HipblasLt::new(opened.library, &self.architecture);
            let blas = Blas::open(opened, Box::new(vendor))?;
            tracing::info!(version = blas.version(), path = %opened.path.display(), "hipBLASLt");
            Ok(blas)
        };
        let made = self.blas.get_or_init(|| {
            open().inspect_err(|reason| {
                tracing::warn!(reason, "no hipBLASLt: products are by kernels of our own")
            })
        });
        made.as_ref().map_err(String::clone)
    }

    /// A handle takes some 26 MB, and the library ends the process where it does not get them.
    fn enough_memory(&self) -> Result<(), String> {
        const LEAST: usize = 128 << 20;
        let (mut free, mut total) = (0, 0);
        let queue = &self.queue;
        // SAFETY: the device is current; both numbers may be written.
        let asked = unsafe { queue.api.memory_info(&mut free, &mut total) };
        queue.ok(asked).map_err(|error| error.to_string())?;
        match free < LEAST {
            true => Err(format!(
                "{free} bytes of device memory are free, and its handle wants {LEAST} to be safe"
            )),
            false => Ok(()),
        }
    }
}

impl tintype_gpu::driver::Libraries for Libraries {
    fn prepare(&self, op: &LibraryOp) -> Offer {
        entered(&self.queue, || match op {
            LibraryOp::MatMul(op) => self.blas()?.prepare(op, &self.queue, |_, _, _| ()),
            LibraryOp::Attention(_) | LibraryOp::Convolution(_) => {
                Err("no library of ROCm's is asked".into())
            }
        })
    }
}

impl Drop for Libraries {
    fn drop(&mut self) {
        // Whether or not the device could be made current, the handle goes with the fields now.
        let _ = self.queue.enter();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_products_is_named() {
        assert_eq!(Products::default(), Products::HipblasLt);
        assert_eq!("own".parse(), Ok(Products::Own));
        assert!("rocblas".parse::<Products>().unwrap_err().contains("hipblaslt, own"));
    }
}
