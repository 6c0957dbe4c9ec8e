//! Kernels of others for custom operations.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use tintype_program::Attribute;

/// What makes a kernel's params struct of an operation's attributes.
pub type KernelParams = dyn Fn(&BTreeMap<String, Attribute>) -> Result<Vec<u8>, String> + Send + Sync;

/// A kernel of a TPC library, which `GC_KERNEL_PATH` names.
#[derive(Clone)]
pub(crate) struct Kernel {
    /// The node's name; `{dtype}` in it stands for the type of the first result, such as `bf16`.
    pub(crate) guid: String,
    pub(crate) params: Arc<KernelParams>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Kernel({})", self.guid)
    }
}

/// Kernels by the name of the operation that they are for.
pub(crate) type Kernels = BTreeMap<String, Kernel>;

/// The libraries that `GC_KERNEL_PATH` names.
pub(crate) fn libraries() -> Vec<PathBuf> {
    let path = std::env::var_os("GC_KERNEL_PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|file| !file.as_os_str().is_empty()).collect()
}
