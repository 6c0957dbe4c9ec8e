//! Matrix products by hipBLASLt: what it does in its own way. All else is `tintype_gpu::blas`.

use crate::architecture::base;
use crate::libraries::{self, Library, REMEDY};
use std::ffi::c_int;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use tintype_gpu::blas::{Blas, Numbers, Object, Vendor};
use tintype_gpu::driver::{Queue, entered};
use tintype_gpu::{Architecture, Dialect, LibraryOp, Offer};

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

type Version = unsafe extern "C" fn(Object, *mut c_int) -> c_int;

struct HipblasLt {
    version: Option<Version>,
    numbers: Numbers,
}

/// Of hipblaslt.h and hipblas-common.h, where enumerators and the structures below are the same from ROCm 6.2 on.
const NUMBERS: Numbers = Numbers {
    // HIPBLAS_COMPUTE_32F, HIPBLAS_COMPUTE_32F_FAST_TF32
    compute: [2, 6],
    // HIPBLAS_OP_N, HIPBLAS_OP_T
    operations: [111, 112],
    transposes: [0, 1],
    epilogue: [2, 3, 4],
    batch: [0, 1],
    preferences: &[],
    alignments: None,
    // The library is not told what addresses are multiples of, so it is offered what any of its loads may read.
    least_alignment: 16,
    list: 8,
    // What PyTorch gives it: its fastest algorithms split sums over it.
    workspace: 76 << 20,
    // hipblasLtMatmulHeuristicResult_t, whose algorithm takes 24 bytes.
    result: [24, 32, 56],
};

impl HipblasLt {
    fn new(library: &'static libloading::Library, architecture: &str) -> Self {
        // SAFETY: `hipblasStatus_t hipblasLtGetVersion(hipblasLtHandle_t, int *)`.
        let version = unsafe { library.get::<Version>(b"hipblasLtGetVersion\0") }.ok().map(|symbol| *symbol);
        // Only CDNA 3 multiplies tf32; elsewhere f32 is what it is.
        let [exact, rounded] = NUMBERS.compute;
        let compute = if architecture == "gfx942" { [exact, rounded] } else { [exact; 2] };
        Self { version, numbers: Numbers { compute, ..NUMBERS } }
    }
}

impl Vendor for HipblasLt {
    fn title(&self) -> &'static str {
        "hipBLASLt"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Hip
    }

    fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    fn version(&self, handle: Object) -> String {
        let mut number = 0;
        // SAFETY: the handle is the library's; the number may be written.
        let status = self.version.map_or(-1, |version| unsafe { version(handle, &mut number) });
        if status == 0 { dotted(number) } else { "of an unknown version".into() }
    }

    fn status(&self, code: i32) -> Option<String> {
        Some(name(code)?.into())
    }
}

/// `1.2.1` of 100201.
fn dotted(number: i32) -> String {
    format!("{}.{}.{}", number / 100_000, number / 100 % 1000, number % 100)
}

/// `hipblasStatus_t`, which the library does not name itself.
fn name(code: i32) -> Option<&'static str> {
    Some(match code {
        1 => "HIPBLAS_STATUS_NOT_INITIALIZED",
        2 => "HIPBLAS_STATUS_ALLOC_FAILED",
        3 => "HIPBLAS_STATUS_INVALID_VALUE",
        4 => "HIPBLAS_STATUS_MAPPING_ERROR",
        5 => "HIPBLAS_STATUS_EXECUTION_FAILED",
        6 => "HIPBLAS_STATUS_INTERNAL_ERROR",
        7 => "HIPBLAS_STATUS_NOT_SUPPORTED",
        8 => "HIPBLAS_STATUS_ARCH_MISMATCH",
        9 => "HIPBLAS_STATUS_HANDLE_IS_NULLPTR",
        10 => "HIPBLAS_STATUS_INVALID_ENUM",
        11 => "HIPBLAS_STATUS_UNKNOWN",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_statuses_are_the_librarys() {
        assert_eq!(dotted(100_201), "1.2.1");
        assert_eq!(name(7), Some("HIPBLAS_STATUS_NOT_SUPPORTED"));
        assert_eq!(name(99), None);
    }

    #[test]
    fn what_makes_products_is_named() {
        assert_eq!(Products::default(), Products::HipblasLt);
        assert_eq!("own".parse(), Ok(Products::Own));
        assert!("rocblas".parse::<Products>().unwrap_err().contains("hipblaslt, own"));
    }

    #[test]
    fn a_library_that_lacks_functions_is_told_with_their_names() {
        // Any library will do that is not hipBLASLt.
        let library = Box::leak(Box::new(libloading::Library::from(libloading::os::unix::Library::this())));
        let opened = tintype_gpu::driver::Opened { path: "/opt/rocm/lib/libhipblaslt.so.1".into(), library };
        let vendor = HipblasLt::new(opened.library, "gfx942");
        assert_eq!(vendor.version(std::ptr::null_mut()), "of an unknown version");
        let reason = Blas::open(&opened, Box::new(vendor)).err().unwrap();
        assert!(reason.contains("libhipblaslt.so.1 lacks hipblasLtCreate, hipblasLtDestroy"), "{reason}");
    }

    #[test]
    fn only_what_multiplies_tf32_is_asked_for_it() {
        let library = Box::leak(Box::new(libloading::Library::from(libloading::os::unix::Library::this())));
        let compute = |name: &str| HipblasLt::new(library, name).numbers.compute;
        assert_eq!((compute("gfx942"), compute("gfx1100")), ([2, 6], [2, 2]));
    }
}
