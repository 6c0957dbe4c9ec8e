//! A product whose algorithm is chosen.

use super::Inner;
use super::descriptor::Descriptor;
use super::table::{Choice, operation};
use crate::Stream;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Error, Result};
use tintype_gpu::Prepared;

/// A product with its algorithm. Addresses: a, b, bias if there is one, d.
pub(super) struct Product {
    pub(super) inner: Arc<Inner>,
    pub(super) name: String,
    /// Holds the bias' address, which changes from launch to launch.
    pub(super) description: Mutex<Descriptor>,
    /// Of the first factor, the second, and the result.
    pub(super) layouts: [Descriptor; 3],
    pub(super) choice: Choice,
    /// What the algorithm was chosen for.
    pub(super) alignment: u64,
    pub(super) bias: bool,
    pub(super) stream: Stream,
}

impl Prepared for Product {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn workspace(&self) -> usize {
        self.choice.workspace
    }

    fn enqueue(&self, addresses: &[u64], workspace: u64) -> Result<()> {
        self.launch(addresses, workspace)
            .map_err(|reason| Error::Device { device: self.inner.device.clone(), reason })
    }
}

impl Product {
    pub(super) fn launch(&self, addresses: &[u64], workspace: u64) -> std::result::Result<(), String> {
        let (a, b, bias, d) = match (addresses, self.bias) {
            (&[a, b, d], false) => (a, b, None, d),
            (&[a, b, bias, d], true) => (a, b, Some(bias), d),
            _ => return Err(format!("{} was given {} addresses", self.name, addresses.len())),
        };
        if let Some(odd) = addresses.iter().find(|address| *address % self.alignment != 0) {
            return Err(format!(
                "{} was prepared for multiples of {} bytes and was given {odd:#x}",
                self.name, self.alignment
            ));
        }
        let table = &self.inner.table;
        let multiply = table.cublasLtMatmul()?;
        let mut description = self.description.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bias) = bias {
            description.set(operation::BIAS, bias)?;
        }
        let [first, second, out] = &self.layouts;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: descriptors and handle live, and the library has read them when it returns; both factors are f32 on the
        // host, as the operation says; the caller vouches for the addresses and for the workspace.
        let status = unsafe {
            multiply(
                self.inner.handle,
                description.object,
                (&raw const one).cast(),
                b as *const c_void,
                first.object,
                a as *const c_void,
                second.object,
                (&raw const zero).cast(),
                d as *const c_void,
                out.object,
                d as *mut c_void,
                out.object,
                &self.choice.algorithm,
                workspace as *mut c_void,
                self.choice.workspace,
                self.stream.0,
            )
        };
        table.check(status, "cublasLtMatmul")
    }
}
