//! A product whose algorithm is chosen.

use super::Inner;
use super::choice::Choice;
use super::descriptor::Descriptor;
use crate::Prepared;
use crate::driver::{Handle, Queue};
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};
use tintype_accel::{Error, Result};

/// A product with its algorithm. Addresses: a, b, bias if there is one, d.
pub struct Product {
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
    pub(super) queue: Arc<Queue>,
}

impl Prepared for Product {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn workspace(&self) -> usize {
        self.choice.workspace()
    }

    fn enqueue(&self, addresses: &[u64], workspace: u64) -> Result<()> {
        // SAFETY: the queue has the stream; the caller vouches for the addresses.
        let launched = unsafe { self.launch(addresses, workspace, self.queue.raw()) };
        launched.map_err(|reason| Error::Device { device: self.queue.label.clone(), reason })
    }
}

impl Product {
    /// Whether there is a bias.
    pub fn has_bias(&self) -> bool {
        self.bias
    }

    /// The algorithm.
    pub fn choice(&self) -> Choice {
        self.choice
    }

    /// Takes another algorithm, one of the list that it was prepared with.
    pub fn choose(&mut self, choice: Choice) {
        self.choice = choice;
    }

    /// Enqueues it on a stream, with device memory for as much workspace as its algorithm wants.
    ///
    /// # Errors
    ///
    /// What the library answers; addresses that are not what it was prepared for.
    ///
    /// # Safety
    ///
    /// The stream is alive; what the product reads, writes and works in is device memory, and stays until it has run.
    pub unsafe fn launch(
        &self,
        addresses: &[u64],
        workspace: u64,
        stream: Handle,
    ) -> std::result::Result<(), String> {
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
        let shared = &self.inner.shared;
        let mut description = self.description.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bias) = bias {
            let [_, attribute, _] = shared.vendor.numbers().epilogue;
            description.set(attribute, bias)?;
        }
        let [first, second, out] = &self.layouts;
        let (one, zero) = (1f32, 0f32);
        // SAFETY: descriptors and handle live, and the library has read them when it returns; both factors are f32 on the
        // host, as the operation says; the caller vouches for the addresses and for the workspace.
        shared.check(unsafe {
            shared.table.multiply(
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
                self.choice.algorithm(),
                workspace as *mut c_void,
                self.choice.workspace(),
                stream,
            )
        })
    }
}
