//! What cuDNN must be and have beside it.

use super::table::Table;
use std::path::Path;
use std::sync::Arc;

/// Libraries that cuDNN opens by name. Whoever has them in the process by their full path spares it the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Companions {
    /// libcublasLt. Some versions of cuDNN end the process where they miss it.
    pub blas: bool,
    /// libnvrtc and its builtins, for engines that are compiled when they are asked for: all of attention.
    pub compiler: bool,
}

/// The oldest version whose plans can be kept and whose enumerators are those listed here.
const OLDEST: usize = 90_800;

/// The library's functions and version, if it can be used at all.
pub(super) fn functions(
    library: &'static libloading::Library,
    path: &Path,
    companions: Companions,
) -> Result<(Arc<Table>, usize), String> {
    // SAFETY: the signatures are those of cudnn_graph.h, the same throughout version 9.
    let mut table = unsafe { Table::new(library, path) };
    // SAFETY: takes nothing.
    let version = unsafe { table.cudnnGetVersion()?() };
    let name = crate::table::version(version);
    table.name(&name);
    let found = format!("cuDNN {name} ({})", path.display());
    if !(OLDEST..100_000).contains(&version) {
        return Err(format!("{found} is not one of 9.8 to 9.99: install nvidia-cudnn 9"));
    }
    if !companions.blas {
        return Err(format!("{found} needs libcublasLt, which is not loaded: install nvidia-cublas"));
    }
    if !companions.compiler {
        return Err(format!(
            "{found} needs libnvrtc for kernels that it compiles, which is not loaded: install nvidia-cuda-nvrtc"
        ));
    }
    Ok((Arc::new(table), version))
}
