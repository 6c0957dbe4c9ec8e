use super::*;
use tintype_gpu::Matrix;

/// The library from where pip puts it, if `TINTYPE_NVIDIA_PACKAGES` names the folder.
fn table(test: &str) -> Option<Arc<Table>> {
    let Some(packages) = std::env::var_os("TINTYPE_NVIDIA_PACKAGES") else {
        println!("test {test} ... not run: TINTYPE_NVIDIA_PACKAGES names no folder");
        return None;
    };
    let path = Path::new(&packages).join("cu13/lib/libcublasLt.so.13");
    // SAFETY: loading the library does nothing else.
    let library = Box::leak(Box::new(unsafe { libloading::Library::new(&path) }.unwrap()));
    // SAFETY: the signatures are those of cublasLt.h.
    Some(Arc::new(unsafe { Table::new(library, &path) }))
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
    let Some(table) = table("the_library_takes_every_attribute") else { return };
    for dtype in [DType::F32, DType::F16, DType::Bf16] {
        for bias in [false, true] {
            for epilogue in [Epilogue::None, Epilogue::GeluTanh] {
                for tf32 in [false, true] {
                    describe(&table, &MatMul { bias, epilogue, tf32, ..linear(dtype) }).unwrap();
                }
            }
        }
    }
    choice::wanted(&table, 16).unwrap();
}

#[test]
fn the_library_names_its_statuses() {
    let Some(table) = table("the_library_names_its_statuses") else { return };
    // SAFETY: takes nothing.
    assert!(unsafe { table.cublasLtGetVersion().unwrap()() } >= 120_000);
    assert_eq!(table.check(0, "x"), Ok(()));
    assert_eq!(table.check(15, "x").unwrap_err(), "cuBLASLt: x gave 15 (CUBLAS_STATUS_NOT_SUPPORTED)");
    assert!(table.check(-7, "x").unwrap_err().starts_with("cuBLASLt: x gave -7 ("));
}

#[test]
fn what_it_does_not_take_is_refused() {
    let Some(table) = table("what_it_does_not_take_is_refused") else { return };
    let refusal = |op: MatMul| describe(&table, &op).err().unwrap();
    assert!(refusal(linear(DType::I32)).contains("i32"));
    assert!(refusal(MatMul { alignment: 0, ..linear(DType::F32) }).contains("alignment of 0"));
    assert!(refusal(MatMul { alignment: 6, ..linear(DType::F32) }).contains("multiples of 2 bytes"));
    assert!(refusal(MatMul { k: 0, ..linear(DType::F32) }).contains("empty"));
    let bytes = describe(&table, &linear(DType::Bf16)).unwrap().bytes;
    assert_eq!(bytes, [4608 * 12288 * 2, 3072 * 12288 * 2, 3072 * 2, 4608 * 3072 * 2]);
    assert_eq!(describe(&table, &MatMul { alignment: 48, ..linear(DType::F32) }).unwrap().alignment, 16);
}

#[test]
fn a_missing_function_is_named_with_its_library() {
    // Any library will do that is not cuBLASLt.
    let library = Box::leak(Box::new(libloading::Library::from(libloading::os::unix::Library::this())));
    // SAFETY: none of the functions is called.
    let mut table = unsafe { Table::new(library, Path::new("/opt/libcublasLt.so.13")) };
    table.name("13.0.2");
    let reason = table.cublasLtMatmul().err().unwrap();
    assert_eq!(
        reason,
        "/opt/libcublasLt.so.13 (version 13.0.2) has no cublasLtMatmul: install a newer version"
    );
}
