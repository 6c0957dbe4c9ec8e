//! cuBLASLt's own numbers and functions.

use libloading::Library;
use std::ffi::{CStr, c_char, c_void};
use tintype_gpu::Dialect;
use tintype_gpu::blas::{Numbers, Object, Vendor};

type Version = unsafe extern "C" fn() -> usize;
type StatusName = unsafe extern "C" fn(i32) -> *const c_char;
type Configuration = unsafe extern "C" fn(*const c_void, i32, *mut c_void, usize, *mut usize) -> i32;

/// The functions that hipBLASLt has not, each where the library has it.
pub(super) struct CublasLt {
    version: Option<Version>,
    status: Option<StatusName>,
    configuration: Option<Configuration>,
}

/// Of cublasLt.h.
const NUMBERS: Numbers = Numbers {
    // CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32
    compute: [68, 77],
    // CUBLAS_OP_N, CUBLAS_OP_T
    operations: [0, 1],
    transposes: [3, 4],
    epilogue: [7, 8, 26],
    batch: [5, 6],
    // CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE: parts of a sum are kept in f32 and added in a fixed order. The other schemes round
    // them to the result's type.
    preferences: &[(3, 2)],
    alignments: Some([5, 6, 7, 8]),
    least_alignment: 1,
    list: 24,
    // What NVIDIA advises for Hopper.
    workspace: 32 << 20,
    // cublasLtMatmulHeuristicResult_t, whose algorithm takes 64 bytes.
    result: [64, 72, 96],
};

/// What an algorithm is made of, in the order of its report.
const CONFIGURATION: [(&str, i32); 4] = [("algorithm", 0), ("tile", 1), ("stages", 6), ("split", 2)];

impl CublasLt {
    pub(super) fn of(library: &'static Library) -> Self {
        // SAFETY: the signatures are those of cublasLt.h, which have not changed since version 11.
        unsafe {
            Self {
                version: library.get(b"cublasLtGetVersion\0").ok().map(|symbol| *symbol),
                status: library.get(b"cublasLtGetStatusName\0").ok().map(|symbol| *symbol),
                configuration: library
                    .get(b"cublasLtMatmulAlgoConfigGetAttribute\0")
                    .ok()
                    .map(|symbol| *symbol),
            }
        }
    }
}

impl Vendor for CublasLt {
    fn title(&self) -> &'static str {
        "cuBLASLt"
    }

    fn dialect(&self) -> Dialect {
        Dialect::Cuda
    }

    fn numbers(&self) -> &Numbers {
        &NUMBERS
    }

    fn version(&self, _: Object) -> String {
        // SAFETY: takes nothing.
        self.version.map_or_else(String::new, |version| crate::table::version(unsafe { version() }))
    }

    fn status(&self, code: i32) -> Option<String> {
        // SAFETY: takes any number; gives a string that stays, or null.
        let name = unsafe { self.status?(code) };
        // SAFETY: not null, and ends in a zero.
        (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) }.to_string_lossy().into_owned())
    }

    fn describe(&self, algorithm: *const c_void) -> String {
        let mut text = String::new();
        let Some(get) = self.configuration else { return text };
        for (name, attribute) in CONFIGURATION {
            let (mut value, mut written) = (0i32, 0usize);
            let place = (&raw mut value).cast();
            // SAFETY: `place` has room for the four bytes that it is said to have; the algorithm is the library's.
            if unsafe { get(algorithm, attribute, place, size_of::<i32>(), &mut written) } == 0 {
                text += &format!(" {name} {value}");
            }
        }
        text
    }
}
