//! hipBLASLt: descriptions are kept and held together; a product computes nothing, as kernels do under the double beneath, but its
//! memory must be there, and it takes its place in the stream as a fill of one byte. With a real driver beneath the library takes
//! nothing.

mod describe;
mod objects;
mod problem;

use crate::beneath::{cu, enter, is_real};
use crate::entry::run;
use crate::state;
pub(crate) use objects::Objects;
use objects::{INVALID_VALUE, Refusal, Thing};
use problem::Problem;
use std::thread;

/// `HIPBLAS_STATUS_EXECUTION_FAILED` and `HIPBLAS_STATUS_NOT_SUPPORTED`
const EXECUTION_FAILED: i32 = 5;
const NOT_SUPPORTED: i32 = 7;
/// What the algorithm of the double works in.
const WORKSPACE: u64 = 1 << 20;

/// `hipblasLtMatmulHeuristicResult_t`
#[repr(C)]
pub struct Heuristic {
    algorithm: Algorithm,
    workspace: u64,
    state: i32,
    waves: f32,
    reserved: [i32; 4],
}

/// `hipblasLtMatmulAlgo_t`: here the product that it is for, and what it works in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Algorithm {
    key: u64,
    number: u64,
    workspace: u64,
}

const _: () = assert!(size_of::<Heuristic>() == 56 && size_of::<Algorithm>() == 24);

/// What the library does with memory of the device, which no capture may be in the way of.
fn outside_capture() -> Result<(), Refusal> {
    let me = thread::current().id();
    match state::lock().captures.values().any(|thread| *thread == me) {
        true => {
            Err((EXECUTION_FAILED, "while this thread captures: the library would end the process".into()))
        }
        false => Ok(()),
    }
}

fn given<T>(pointer: *const T) -> Result<(), Refusal> {
    if pointer.is_null() { Err((INVALID_VALUE, "a null pointer".into())) } else { Ok(()) }
}

/// hipBLASLt's `hipblasLtCreate`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtCreate(handle: *mut u64) -> i32 {
    run("hipblasLtCreate", "", String::new, || {
        outside_capture()?;
        if enter() != 0 {
            return Err((EXECUTION_FAILED, "no device".into()));
        }
        state::lock().objects.make(handle, Thing::Handle(None))
    })
}

/// hipBLASLt's `hipblasLtDestroy`, which waits for the device.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtDestroy(handle: u64) -> i32 {
    run("hipblasLtDestroy", "", String::new, || {
        outside_capture()?;
        state::lock().objects.destroy(handle, |thing| matches!(thing, Thing::Handle(_)))
    })
}

/// hipBLASLt's `hipblasLtGetVersion`.
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtGetVersion(handle: u64, version: *mut i32) -> i32 {
    run("hipblasLtGetVersion", "", String::new, || {
        given(version)?;
        state::lock().objects.handle(handle)?;
        // SAFETY: the caller's pointer, which the library would write to as well.
        unsafe { version.write(100_202) };
        Ok(0)
    })
}

/// hipBLASLt's `hipblasLtMatmulAlgoGetHeuristic`: one algorithm that does not hold what was promised, and one that does.
#[allow(clippy::too_many_arguments, reason = "the vendor's signature")]
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmulAlgoGetHeuristic(
    handle: u64,
    operation: u64,
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    preference: u64,
    most: i32,
    results: *mut Heuristic,
    found: *mut i32,
) -> i32 {
    run(
        "hipblasLtMatmulAlgoGetHeuristic",
        "",
        || format!("most={most}"),
        || {
            outside_capture()?;
            given(results)?;
            given(found)?;
            let mut double = state::lock();
            let double = &mut *double;
            double.objects.handle(handle)?;
            let problem = Problem::of(&mut double.objects, operation, [a, b, c, d], &double.config.arch)?;
            let allowed = *double.objects.preference(preference)?;
            if most < 1 {
                return Err((INVALID_VALUE, format!("{most} algorithms")));
            }
            let takes = !is_real() && !double.config.no_products;
            let count = if takes { most.min(2) } else { 0 };
            for number in 0..count {
                let sound = number == 1;
                let algorithm = Algorithm {
                    key: problem.key(),
                    number: number as u64,
                    workspace: WORKSPACE.min(allowed),
                };
                let state = if sound { 0 } else { NOT_SUPPORTED };
                let workspace = algorithm.workspace;
                let result = Heuristic { algorithm, workspace, state, waves: 1.0, reserved: [0; 4] };
                // SAFETY: the caller has room for `most` of them.
                unsafe { results.add(number as usize).write(result) };
            }
            // SAFETY: the caller's pointer, which the library would write to as well.
            unsafe { found.write(count) };
            Ok(0)
        },
    )
}

/// Device memory must be there from an address on.
fn there(what: &str, address: u64, bytes: u64) -> Result<(), Refusal> {
    let (mut base, mut size) = (0_u64, 0_u64);
    let status = cu!("cuMemGetAddressRange_v2"(&mut base, &mut size, address) as fn(*mut u64, *mut u64, u64));
    match status {
        0 if address.checked_add(bytes).is_some_and(|end| end <= base + size) => Ok(()),
        _ => Err((INVALID_VALUE, format!("{what}: {bytes} bytes at {address:#x} (code {status})"))),
    }
}

/// hipBLASLt's `hipblasLtMatmul`.
#[allow(clippy::too_many_arguments, reason = "the vendor's signature")]
#[unsafe(no_mangle)]
pub extern "C" fn hipblasLtMatmul(
    handle: u64,
    operation: u64,
    alpha: *const f32,
    a: u64,
    a_layout: u64,
    b: u64,
    b_layout: u64,
    beta: *const f32,
    c: u64,
    c_layout: u64,
    d: u64,
    d_layout: u64,
    algorithm: *const Algorithm,
    workspace: u64,
    bytes: usize,
    stream: u64,
) -> i32 {
    let facts = || format!("stream={stream} a={a:#x} b={b:#x} c={c:#x} d={d:#x} workspace={bytes}");
    run("hipblasLtMatmul", "cuMemsetD8Async", facts, || {
        given(alpha)?;
        given(beta)?;
        given(algorithm)?;
        // SAFETY: the caller's pointer, which the library would read as well.
        let Algorithm { key, number, workspace: wanted } = unsafe { algorithm.read() };
        let ([a_bytes, b_bytes, d_bytes], bias) = {
            let mut double = state::lock();
            let double = &mut *double;
            let used = double.objects.handle(handle)?;
            if *used.get_or_insert(stream) != stream {
                return Err((INVALID_VALUE, "a handle is of one stream".into()));
            }
            let layouts = [a_layout, b_layout, c_layout, d_layout];
            let problem = Problem::of(&mut double.objects, operation, layouts, &double.config.arch)?;
            if (problem.key(), number) != (key, 1) {
                return Err((
                    INVALID_VALUE,
                    "an algorithm of another product, or one that was not vouched for".into(),
                ));
            }
            problem.reach()
        };
        if stream == 0 || (bytes as u64) < wanted || wanted > 0 && !workspace.is_multiple_of(16) {
            return Err((INVALID_VALUE, format!("{bytes} bytes at {workspace:#x}, {wanted} wanted")));
        }
        if enter() != 0 {
            return Err((EXECUTION_FAILED, "no device".into()));
        }
        there("a", a, a_bytes)?;
        there("b", b, b_bytes)?;
        there("d", d, d_bytes)?;
        if let Some((bias, bytes)) = bias {
            there("the bias", bias, bytes)?;
        }
        if wanted > 0 {
            there("the workspace", workspace, wanted)?;
        }
        match cu!("cuMemsetD8Async"(d, 0, 1, stream) as fn(u64, u8, usize, u64)) {
            0 => Ok(0),
            status => Err((EXECUTION_FAILED, format!("the driver beneath gave {status}"))),
        }
    })
}
