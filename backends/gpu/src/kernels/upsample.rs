//! Nearest-neighbour enlargement.

use super::copy::copy;
use crate::{Architecture, Launch, View};

/// `[n, c, spatial...]` to spatial extents `factors` times as large: a copy in which each element repeats.
pub fn upsample(
    factors: &[usize],
    from: &View,
    to: &View,
    architecture: &Architecture,
) -> Result<Launch, String> {
    let (mut source, mut target) = (split(from), split(to));
    for (axis, &extent) in from.shape.iter().enumerate() {
        let factor = axis.checked_sub(2).and_then(|axis| factors.get(axis)).copied().unwrap_or(1);
        let stride = |view: &View| view.strides.get(axis).copied().ok_or("an axis is missing");
        source.shape.extend([extent, factor]);
        source.strides.extend([stride(from)?, 0]);
        target.shape.extend([extent, factor]);
        target.strides.extend([stride(to)? * factor, stride(to)?]);
    }
    copy(&source, &target, architecture)
}

/// The same memory without axes yet.
fn split(view: &View) -> View {
    View { dtype: view.dtype, shape: Vec::new(), strides: Vec::new(), offset: view.offset }
}
