//! Holding a buffer against the interpreter's tensor.

use super::guarded::filler;
use crate::cases::Tolerance;
use crate::interpreter::{Tensor, from_bytes};
use tintype_program::TensorType;

/// How a buffer compares.
pub(super) struct Comparison {
    /// The largest error as a fraction of what is allowed.
    pub(super) worst: f64,
    /// Whether elements beyond tolerance still hold what they held before the run.
    pub(super) unwritten: bool,
    /// What is wrong, if anything.
    pub(super) complaint: Option<String>,
}

pub(super) fn compare(tolerance: &Tolerance, ty: &TensorType, got: &[u8], want: &Tensor) -> Comparison {
    let size = ty.dtype.size();
    let elements = from_bytes(got, ty.dtype);
    let finite = want.data.iter().filter(|x| x.is_finite());
    let largest = finite.fold(0.0, |largest: f64, x| largest.max(x.abs()));
    let (mut worst, mut wrong, mut unwritten, mut first) = (0.0, 0usize, 0usize, None);
    for (i, (&want, &element)) in want.data.iter().zip(&elements).enumerate() {
        let fraction = tolerance.fraction(element, want, largest, ty.dtype);
        if fraction > worst {
            worst = fraction;
        }
        if fraction > 1.0 {
            wrong += 1;
            unwritten +=
                usize::from(got[i * size..(i + 1) * size].iter().all(|&byte| byte == filler(ty.dtype)));
            first = first.or(Some((i, element, want)));
        }
    }
    let complaint = first.map(|(i, element, want)| {
        let never = if unwritten > 0 { format!(", {unwritten} never written") } else { String::new() };
        let count = elements.len();
        format!("{wrong} of {count} elements are wrong{never}; element {i} is {element}, not {want}")
    });
    Comparison { worst, unwritten: unwritten > 0, complaint }
}
