//! Work that cuBLASLt and cuDNN take.

use crate::Stream;
use crate::blas::{Blas, Search};
use crate::dnn::{Companions, Dnn};
use crate::libraries::{Found, Library, find};
use std::sync::{Arc, OnceLock};
use tintype_gpu::compiler::folder;
use tintype_gpu::driver::{Queue, entered};
use tintype_gpu::{Architecture, LibraryOp, Offer};

/// The libraries of a runtime, opened at the first offer. They are dropped with the context current.
pub(super) struct Libraries {
    /// The product's name.
    device: String,
    architecture: Architecture,
    search: Search,
    blas: OnceLock<std::result::Result<Blas, String>>,
    dnn: OnceLock<std::result::Result<Dnn, String>>,
    queue: Arc<Queue>,
}

impl Libraries {
    pub(super) fn new(queue: Arc<Queue>, device: &str, architecture: &Architecture, search: Search) -> Self {
        Self {
            device: device.into(),
            architecture: architecture.clone(),
            search,
            blas: OnceLock::new(),
            dnn: OnceLock::new(),
            queue,
        }
    }

    fn offer(&self, op: &LibraryOp) -> Offer {
        entered(&self.queue, || match op {
            LibraryOp::MatMul(op) => self.blas()?.prepare(op),
            LibraryOp::Attention(op) => self.dnn()?.prepare_attention(op),
            LibraryOp::Convolution(op) => self.dnn()?.prepare_convolution(op),
        })
    }

    fn stream(&self) -> Stream {
        Stream(self.queue.raw())
    }

    fn blas(&self) -> std::result::Result<&Blas, String> {
        let open = || {
            let found = found(Library::CublasLt)?;
            let folder = folder::of_user().map(|folder| folder.join("cublaslt"));
            let Architecture { name, multiprocessors, .. } = &self.architecture;
            let device = format!("{} {name} {multiprocessors}", self.device);
            Blas::open(found, &self.queue, self.search, folder.as_deref(), &device)
        };
        self.blas.get_or_init(open).as_ref().map_err(String::clone)
    }

    fn dnn(&self) -> std::result::Result<&Dnn, String> {
        let open = || {
            let found = found(Library::Cudnn)?;
            let companions = Companions {
                blas: accompanies(found, Library::CublasLt)?,
                compiler: accompanies(found, Library::Nvrtc)?,
            };
            let plans = folder::of_user().map(|folder| folder.join("cudnn"));
            let device = (self.device.as_str(), &self.architecture);
            Dnn::open(found.library, &found.path, companions, device, self.stream(), plans.as_deref())
        };
        self.dnn.get_or_init(open).as_ref().map_err(String::clone)
    }
}

impl tintype_gpu::driver::Libraries for Libraries {
    fn prepare(&self, op: &LibraryOp) -> Offer {
        self.offer(op)
    }
}

fn found(library: Library) -> std::result::Result<&'static Found, String> {
    find(library).map_err(|missing| format!("{missing}. {}", library.remedy()))
}

/// Whether a library is there that cuDNN asks the loader for. One of another major version of CUDA does not stand in for
/// it: cuDNN would look for the right one, not find it, and end the process.
fn accompanies(dnn: &Found, library: Library) -> std::result::Result<bool, String> {
    let Ok(other) = find(library) else { return Ok(false) };
    // SAFETY: `size_t cudnnGetCudartVersion(void)`, which returns a constant.
    let made_for = unsafe {
        dnn.library
            .get::<unsafe extern "C" fn() -> usize>(b"cudnnGetCudartVersion\0")
            .map(|call| call() / 1000)
    };
    let has: Option<usize> =
        other.version.as_deref().and_then(|version| version.split('.').next()?.parse().ok());
    match (made_for, has) {
        (Ok(wanted), Some(major)) if wanted != major => Err(format!(
            "cuDNN at {} is made for CUDA {wanted}, and {} at {} is of CUDA {major}: install both of one",
            dnn.path.display(),
            library.title(),
            other.path.display()
        )),
        _ => Ok(true),
    }
}

impl Drop for Libraries {
    fn drop(&mut self) {
        // Whether or not the context could be made current, handles go with the fields now.
        let _ = self.queue.enter();
    }
}
