//! A kernel such as users write, and as a library that GC_KERNEL_PATH names would give it.

use super::lanes::{floats, from_floats};
use super::support::{same, typed};
use super::{Call, Data, Kind, Results};

/// The file's name in GC_KERNEL_PATH that makes the kernel known, if there is such a file. It is not opened: the kernel is here.
const LIBRARY: &str = "libexample_tpc_kernels.so";

pub const KINDS: &[Kind] = &[typed!("example_scale_fwd", check, run)];

/// Whether GC_KERNEL_PATH, a list with colons between, names the library, and it is there.
pub fn named() -> bool {
    let path = std::env::var_os("GC_KERNEL_PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|file| file.ends_with(LIBRARY) && file.is_file())
}

/// One operand, and its factor in f32 as params; doubled where there are none.
fn check(call: &Call) -> Result<(), String> {
    call.counts(1..=1, 1..=1)?;
    call.sizes_of_params(&[0, 4])?;
    call.no_layouts()?;
    call.float()?;
    let (x, y) = (call.input(0)?, call.output(0)?);
    call.typed(x, "the input")?;
    call.typed(y, "the output")?;
    same(&x.sizes, &y.sizes, "input and output")
}

fn run(call: &Call, data: &Data) -> Results {
    let dtype = call.input(0)?.dtype;
    let factor = if call.params.is_empty() { 2.0 } else { call.f32(0) };
    let values = floats(data[0].unwrap_or_default(), dtype);
    let values: Vec<f32> = values.iter().map(|x| x * factor).collect();
    Ok(vec![Some(from_floats(&values, dtype))])
}
