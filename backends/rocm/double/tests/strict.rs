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
    ($library:expr, $name:literal($($arg:expr),*) as fn($($ty:ty),*)) => {
        // SAFETY: the double's function of this name has this type.
        unsafe { $library.get::<extern "C" fn($($ty),*) -> i32>($name.as_bytes()).unwrap()($($arg),*) }
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
