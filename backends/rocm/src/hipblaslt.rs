//! hipBLASLt: what it does in its own way. All else is `tintype_gpu::blas`.

use std::ffi::c_int;
use tintype_gpu::Dialect;
use tintype_gpu::blas::{Numbers, Object, Vendor};

type Version = unsafe extern "C" fn(Object, *mut c_int) -> c_int;

/// hipBLASLt's own numbers and functions.
pub(crate) struct HipblasLt {
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
    pub(crate) fn new(library: &'static libloading::Library, architecture: &str) -> Self {
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
    use tintype_gpu::blas::Blas;

    #[test]
    fn versions_and_statuses_are_the_librarys() {
        assert_eq!(dotted(100_201), "1.2.1");
        assert_eq!(name(7), Some("HIPBLAS_STATUS_NOT_SUPPORTED"));
        assert_eq!(name(99), None);
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
