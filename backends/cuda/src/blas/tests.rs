use super::cublaslt::CublasLt;
use std::path::Path;
use tintype_gpu::blas::{self, Vendor, described};
use tintype_gpu::driver::Opened;
use tintype_gpu::{Epilogue, MatMul, Matrix};
use tintype_program::DType;

/// The library from where pip puts it, if `TINTYPE_NVIDIA_PACKAGES` names the folder.
fn library(test: &str) -> Option<Opened> {
    let Some(packages) = std::env::var_os("TINTYPE_NVIDIA_PACKAGES") else {
        println!("test {test} ... not run: TINTYPE_NVIDIA_PACKAGES names no folder");
        return None;
    };
    let path = Path::new(&packages).join("cu13/lib/libcublasLt.so.13");
    // SAFETY: loading the library does nothing else.
    let library = Box::leak(Box::new(unsafe { libloading::Library::new(&path) }.unwrap()));
    Some(Opened { path, library })
}

fn vendor(opened: &Opened) -> Box<CublasLt> {
    Box::new(CublasLt::of(opened.library))
}

fn linear(dtype: DType) -> MatMul {
    MatMul {
        batch: 1,
        m: 4608,
        n: 3072,
        k: 12288,
        dtype,
        a: Matrix { leading: 12288, transposed: false, batch: 0 },
        b: Matrix { leading: 12288, transposed: true, batch: 0 },
        d: Matrix { leading: 3072, transposed: false, batch: 0 },
        bias: true,
        epilogue: Epilogue::GeluTanh,
        tf32: false,
        alignment: 16,
    }
}

#[test]
fn the_library_takes_every_attribute() {
    let Some(library) = library("the_library_takes_every_attribute") else { return };
    for dtype in [DType::F32, DType::F16, DType::Bf16] {
        for bias in [false, true] {
            for epilogue in [Epilogue::None, Epilogue::GeluTanh] {
                for tf32 in [false, true] {
                    let op = MatMul { bias, epilogue, tf32, ..linear(dtype) };
                    described(&library, vendor(&library), &op).unwrap();
                }
            }
        }
    }
}

#[test]
fn the_library_names_its_statuses() {
    let Some(library) = library("the_library_names_its_statuses") else { return };
    let vendor = vendor(&library);
    assert!(vendor.version(std::ptr::null_mut()).starts_with("13."));
    assert_eq!(vendor.status(15).as_deref(), Some("CUBLAS_STATUS_NOT_SUPPORTED"));
}

#[test]
fn what_it_does_not_take_is_refused() {
    let Some(library) = library("what_it_does_not_take_is_refused") else { return };
    let described = |op: &MatMul| described(&library, vendor(&library), op);
    let refusal = |op: MatMul| described(&op).unwrap_err();
    assert!(refusal(linear(DType::I32)).contains("i32"));
    assert!(refusal(MatMul { alignment: 0, ..linear(DType::F32) }).contains("alignment of 0"));
    assert!(
        refusal(MatMul { alignment: 6, ..linear(DType::F32) }).contains("multiples of 4 bytes, not of 2")
    );
    assert!(refusal(MatMul { k: 0, ..linear(DType::F32) }).contains("empty"));
    let reach = described(&linear(DType::Bf16)).unwrap();
    assert_eq!(reach, [4608 * 12288 * 2, 3072 * 12288 * 2, 3072 * 2, 4608 * 3072 * 2]);
    described(&MatMul { alignment: 48, ..linear(DType::F32) }).unwrap();
}

#[test]
fn a_missing_function_is_named_with_its_library() {
    // Any library will do that is not cuBLASLt.
    let library = Box::leak(Box::new(libloading::Library::from(libloading::os::unix::Library::this())));
    let opened = Opened { path: "/opt/libcublasLt.so.13".into(), library };
    let reason = blas::Blas::open(&opened, vendor(&opened)).err().unwrap();
    let start = "cuBLASLt at /opt/libcublasLt.so.13 lacks cublasLtCreate, cublasLtDestroy, ";
    assert!(
        reason.starts_with(start) && reason.ends_with("cublasLtMatmul: install a newer version"),
        "{reason}"
    );
}
