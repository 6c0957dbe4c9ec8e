//! What the double asks beyond CUDA, called as a program would.

#![allow(clippy::unwrap_used, clippy::panic)]

use libloading::Library;
use std::ffi::{CString, c_char};
use std::path::PathBuf;
use std::ptr::{null, null_mut};

/// The double, opened by its file and never closed: threads of a test may be in it. Cargo builds it beside the tests.
fn double() -> &'static Library {
    let path: PathBuf = std::env::current_exe().unwrap().with_file_name("libtintype_rocm_double.so");
    // SAFETY: the double may be opened by any thread.
    Box::leak(Box::new(unsafe { Library::new(path) }.unwrap()))
}

/// Calls a function by its name.
macro_rules! call {
    ($library:expr, $name:tt($($arg:expr),* $(,)?) as fn($($ty:ty),* $(,)?)) => {
        // SAFETY: the double's function of this name has this type.
        unsafe { $library.get::<extern "C" fn($($ty),*) -> i32>(str::as_bytes($name)).unwrap()($($arg),*) }
    };
}

fn stream(hip: &Library) -> u64 {
    let mut stream = 0_u64;
    assert_eq!(call!(hip, "hipStreamCreateWithFlags"(&mut stream, 1) as fn(*mut u64, u32)), 0);
    stream
}

/// All in one: the double is one for the process.
#[test]
fn what_hip_asks_and_cuda_does_not_is_refused() {
    let hip = double();
    assert_eq!(call!(hip, "hipInit"(0) as fn(u32)), 0);
    let stream = stream(hip);

    // A stream that is none.
    assert_eq!(call!(hip, "hipStreamSynchronize"(0) as fn(u64)), 400);
    assert_eq!(call!(hip, "hipStreamSynchronize"(stream) as fn(u64)), 0);

    // Launches.
    let launch = |grid: u32, block: u32, shared: u32| {
        call!(
            hip,
            "hipModuleLaunchKernel"(1, grid, 1, 1, block, 1, 1, shared, stream, null_mut(), null_mut())
                as fn(u64, u32, u32, u32, u32, u32, u32, u32, u64, *mut u64, *mut u64)
        )
    };
    assert_eq!(launch(1 << 24, 256, 0), 9, "2^32 threads along an axis");
    assert_eq!(launch(1, 2048, 0), 9, "a block of 2048");
    assert_eq!(launch(1, 64, 65_537), 1, "more LDS than there is");

    // An event, while this thread captures.
    let mut event = 0_u64;
    assert_eq!(call!(hip, "hipEventCreateWithFlags"(&mut event, 2) as fn(*mut u64, u32)), 0);
    assert_eq!(call!(hip, "hipEventRecord"(event, stream) as fn(u64, u64)), 0);
    assert_eq!(call!(hip, "hipStreamBeginCapture"(stream, 2) as fn(u64, i32)), 0);
    assert_eq!(call!(hip, "hipEventQuery"(event) as fn(u64)), 900);
    let mut graph = 0_u64;
    assert_eq!(call!(hip, "hipStreamEndCapture"(stream, &mut graph) as fn(u64, *mut u64)), 0);
    assert_eq!(call!(hip, "hipEventSynchronize"(event) as fn(u64)), 0);
    assert_eq!(call!(hip, "hipGraphDestroy"(graph) as fn(u64)), 0);

    // Properties lie where HIP has them.
    let mut properties = [0_u8; 1472];
    assert_eq!(call!(hip, "hipGetDevicePropertiesR0600"(properties.as_mut_ptr(), 0) as fn(*mut u8, i32)), 0);
    assert!(properties[1160..].starts_with(b"gfx1100\0"));
    assert_eq!(u32::from_ne_bytes(properties[308..312].try_into().unwrap()), 32);
    let mut wave = 0;
    assert_eq!(call!(hip, "hipDeviceGetAttribute"(&mut wave, 87, 0) as fn(*mut i32, i32, i32)), 0);
    assert_eq!(wave, 32);
    assert_eq!(
        call!(hip, "hipDeviceGetAttribute"(&mut wave, 10, 0) as fn(*mut i32, i32, i32)),
        1,
        "CUDA's number"
    );

    // Counts and faults, by HIP's names.
    let function = CString::new("hipStreamSynchronize").unwrap();
    // SAFETY: as the double declares it.
    unsafe {
        hip.get::<extern "C" fn(*const c_char, u64, u32)>(b"tintype_double_fail").unwrap()(
            function.as_ptr(),
            2,
            719,
        );
    }
    assert_eq!(call!(hip, "hipStreamSynchronize"(stream) as fn(u64)), 0);
    assert_eq!(call!(hip, "hipStreamSynchronize"(stream) as fn(u64)), 719);
    let mut text = vec![0_u8; 1 << 16];
    // SAFETY: as the double declares it.
    let length = unsafe {
        hip.get::<extern "C" fn(*mut u8, usize) -> usize>(b"tintype_double_counts").unwrap()(
            text.as_mut_ptr(),
            text.len(),
        )
    };
    let counts: serde_json::Value = serde_json::from_slice(&text[..length - 1]).unwrap();
    assert_eq!(counts["calls"]["hipStreamSynchronize"], 4);
    assert_eq!(counts["failed"]["hipStreamSynchronize"], 2);
}

#[test]
fn hiprtc_is_told_the_architecture_and_no_option_that_it_does_not_know() {
    let hip = double();
    let (source, name) = (c"extern \"C\" __global__ void k(float* x) { x[0] = __shfl(x[1], 0); }", c"k.cu");
    let mut program = 0_u64;
    let made = call!(
        hip,
        "hiprtcCreateProgram"(&mut program, source.as_ptr(), name.as_ptr(), 0, null(), null())
            as fn(*mut u64, *const c_char, *const c_char, i32, *const *const c_char, *const *const c_char)
    );
    if made != 0 {
        assert!(std::env::var_os("TINTYPE_EXPECT_NVRTC").is_none(), "there is no NVRTC: {made}");
        println!("NOT RUN, there is no NVRTC");
        return;
    }
    let compile = |options: &[&std::ffi::CStr]| {
        let pointers: Vec<_> = options.iter().map(|option| option.as_ptr()).collect();
        call!(
            hip,
            "hiprtcCompileProgram"(program, pointers.len() as i32, pointers.as_ptr())
                as fn(u64, i32, *const *const c_char)
        )
    };
    assert_eq!(compile(&[]), 5, "no architecture");
    assert_eq!(compile(&[c"--offload-arch=gfx942"]), 5, "another's");
    assert_eq!(compile(&[c"--offload-arch=gfx1100", c"--gpu-architecture=sm_90"]), 5, "NVRTC's option");
    assert_eq!(compile(&[c"--offload-arch=gfx1100", c"--std=c++17"]), 0);
    assert_eq!(call!(hip, "hiprtcDestroyProgram"(&mut program) as fn(*mut u64)), 0);
}

/// A product `[64, 32]` by `[32, 16]` of bf16, column by column, as hipBLASLt has it described.
#[test]
fn hipblaslt_takes_what_holds_together_and_nothing_else() {
    let hip = double();
    assert_eq!(call!(hip, "hipInit"(0) as fn(u32)), 0);
    let stream = stream(hip);
    let mut handle = 0_u64;
    assert_eq!(call!(hip, "hipblasLtCreate"(&mut handle) as fn(*mut u64)), 0);
    let mut operation = 0_u64;
    assert_eq!(call!(hip, "hipblasLtMatmulDescCreate"(&mut operation, 2, 0) as fn(*mut u64, i32, i32)), 0);
    let layout = |rows: u64, columns: u64, leading: i64| {
        let mut made = 0_u64;
        let status = call!(
            hip,
            "hipblasLtMatrixLayoutCreate"(&mut made, 14, rows, columns, leading)
                as fn(*mut u64, i32, u64, u64, i64)
        );
        assert_eq!(status, 0);
        made
    };
    let (a, b, d, short) = (layout(64, 32, 64), layout(32, 16, 32), layout(64, 16, 64), layout(64, 16, 63));
    let mut preference = 0_u64;
    assert_eq!(call!(hip, "hipblasLtMatmulPreferenceCreate"(&mut preference) as fn(*mut u64)), 0);
    let most = 1_u64 << 25;
    let set = |name: &str, object: u64, attribute: i32, value: *const u64, bytes: usize| {
        call!(hip, name(object, attribute, value, bytes) as fn(u64, i32, *const u64, usize))
    };
    assert_eq!(set("hipblasLtMatmulPreferenceSetAttribute", preference, 1, &most, 8), 0);
    assert_eq!(
        set("hipblasLtMatmulPreferenceSetAttribute", preference, 1, &most, 4),
        3,
        "four bytes of eight"
    );
    assert_eq!(set("hipblasLtMatmulPreferenceSetAttribute", preference, 5, &most, 8), 3, "cuBLASLt's number");
    assert_eq!(set("hipblasLtMatmulDescSetAttribute", preference, 2, &most, 4), 3, "no operation");

    let mut results = [[0_u64; 7]; 4];
    let mut heuristic = |handle: u64, d: u64| {
        let mut found = 0;
        let status = call!(
            hip,
            "hipblasLtMatmulAlgoGetHeuristic"(
                handle,
                operation,
                a,
                b,
                d,
                d,
                preference,
                4,
                results.as_mut_ptr(),
                &mut found
            ) as fn(u64, u64, u64, u64, u64, u64, u64, i32, *mut [u64; 7], *mut i32)
        );
        (status, found, results)
    };
    assert_eq!(heuristic(0, d).0, 1, "no handle");
    assert_eq!(heuristic(handle, short).0, 3, "columns that overlap");
    assert_eq!(heuristic(handle, a).0, 3, "a result of another size");
    let (status, found, results) = heuristic(handle, d);
    assert_eq!((status, found), (0, 2));
    assert_eq!(results.map(|result| result[4] as u32)[..2], [7, 0], "the first does not hold");

    let memory = |bytes: usize| {
        let mut address = 0_u64;
        assert_eq!(call!(hip, "hipMalloc"(&mut address, bytes) as fn(*mut u64, usize)), 0);
        address
    };
    let (x, y, z, workspace) =
        (memory(64 * 32 * 2), memory(32 * 16 * 2), memory(64 * 16 * 2), memory(1 << 20));
    let (one, zero) = (1_f32, 0_f32);
    let multiply = |algorithm: &[u64; 7], x: u64, bytes: usize, stream: u64| {
        call!(
            hip,
            "hipblasLtMatmul"(
                handle, operation, &one, x, a, y, b, &zero, z, d, z, d, algorithm, workspace, bytes, stream
            )
                as fn(
                    u64,
                    u64,
                    *const f32,
                    u64,
                    u64,
                    u64,
                    u64,
                    *const f32,
                    u64,
                    u64,
                    u64,
                    u64,
                    *const [u64; 7],
                    u64,
                    usize,
                    u64,
                )
        )
    };
    assert_eq!(multiply(&results[1], x, 1 << 20, stream), 0);
    assert_eq!(multiply(&results[0], x, 1 << 20, stream), 3, "what it did not vouch for");
    assert_eq!(multiply(&results[1], x, 16, stream), 3, "too little to work in");
    assert_eq!(multiply(&results[1], y, 1 << 20, stream), 3, "a factor past the end of its memory");
    let other = self::stream(hip);
    assert_eq!(multiply(&results[1], x, 1 << 20, other), 3, "a handle is of one stream");

    // While this thread captures, a product is recorded, and nothing is made or chosen.
    assert_eq!(call!(hip, "hipStreamBeginCapture"(stream, 2) as fn(u64, i32)), 0);
    assert_eq!(multiply(&results[1], x, 1 << 20, stream), 0);
    let mut second = 0_u64;
    assert_eq!(call!(hip, "hipblasLtCreate"(&mut second) as fn(*mut u64)), 5);
    let mut graph = 0_u64;
    assert_eq!(call!(hip, "hipStreamEndCapture"(stream, &mut graph) as fn(u64, *mut u64)), 0);
    assert_eq!(call!(hip, "hipGraphDestroy"(graph) as fn(u64)), 0);
    assert_eq!(call!(hip, "hipblasLtDestroy"(operation) as fn(u64)), 3, "no handle");
    assert_eq!(call!(hip, "hipblasLtDestroy"(handle) as fn(u64)), 0);
}
