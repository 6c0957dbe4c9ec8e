//! A plan that is launched.

use super::Inner;
use super::descriptor::Descriptor;
use super::plan::Plan;
use super::tensor::{ALIGNMENT, HOST, id};
use super::values::{attribute, kind, of};
use std::ffi::c_void;
use std::sync::Arc;
use tintype_accel::{Error, Result};
use tintype_gpu::Prepared;

/// A plan with the number from the host that it reads, if it reads one.
pub(super) struct Planned {
    /// Goes before the handle.
    pub(super) plan: Plan,
    pub(super) inner: Arc<Inner>,
    pub(super) name: String,
    /// Addresses that a launch takes.
    pub(super) addresses: usize,
    /// Read through a pointer at each launch.
    pub(super) scale: Option<Box<f32>>,
}

impl Prepared for Planned {
    fn describe(&self) -> String {
        self.name.clone()
    }

    fn workspace(&self) -> usize {
        self.plan.workspace
    }

    fn enqueue(&self, addresses: &[u64], workspace: u64) -> Result<()> {
        self.launch(addresses, workspace)
            .map_err(|reason| Error::Device { device: self.inner.device.clone(), reason })
    }
}

impl Planned {
    fn launch(&self, addresses: &[u64], workspace: u64) -> std::result::Result<(), String> {
        if addresses.len() != self.addresses {
            return Err(format!(
                "{} takes {} addresses and was given {}",
                self.name,
                self.addresses,
                addresses.len()
            ));
        }
        if let Some(odd) = addresses.iter().find(|address| *address % ALIGNMENT as u64 != 0) {
            return Err(format!(
                "{} needs addresses at multiples of {ALIGNMENT} bytes and was given {odd:#x}",
                self.name
            ));
        }
        let mut ids = [0i64; 8];
        let mut pointers = [std::ptr::null_mut::<c_void>(); 8];
        let mut count = 0;
        let given = addresses.iter().enumerate().map(|(i, address)| (id(i), *address as *mut c_void));
        let scale = self.scale.as_deref().map(|scale| (HOST, (&raw const *scale).cast_mut().cast()));
        for ((to, pointer), (unique, given)) in ids.iter_mut().zip(&mut pointers).zip(given.chain(scale)) {
            (*to, *pointer) = (unique, given);
            count += 1;
        }
        let table = &self.inner.table;
        let execute = table.cudnnBackendExecute()?;
        let pack = Descriptor::new(table, kind::VARIANT_PACK)?;
        pack.set(attribute::PACK_IDS, of::I64, &ids[..count])?;
        pack.set(attribute::PACK_POINTERS, of::POINTER, &pointers[..count])?;
        pack.set(attribute::PACK_WORKSPACE, of::POINTER, &[workspace as *mut c_void])?;
        let pack = pack.finalize("gathering addresses")?;
        let handle = self.inner.handle()?;
        // SAFETY: handle, plan and pack live, and the handle's lock is held; the scale lives as long as this; the caller
        // vouches for the addresses and the workspace.
        let status = unsafe { execute(handle.object(), self.plan.descriptor.object(), pack.object()) };
        table.check(status, format_args!("launching {}", self.name))
    }
}
