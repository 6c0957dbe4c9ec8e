//! Where a graph's tensors are and how they lie.

use super::table::Object;

/// `CUDNN_DATA_FLOAT`, in which everything between the ends of a graph is held.
pub(super) const FLOAT: i32 = 0;
/// What cuDNN's kernels take every address to be a multiple of, in bytes.
pub(super) const ALIGNMENT: i64 = 16;
/// The id of the value that comes from the host.
pub(super) const HOST: i64 = 100;
/// Ids of what is never stored come after this.
pub(super) const VIRTUAL: i64 = 1000;

/// A tensor of a graph, good while the graph lives.
#[derive(Clone, Copy)]
pub(super) struct Tensor(pub(super) Object);

/// Where a tensor's elements are.
pub(super) enum Place {
    /// In memory, at the address of this number of those that a launch is given.
    Address(usize),
    /// Nowhere: inside a kernel.
    Virtual,
    /// On the host: one number, read at launch.
    Host,
}

/// Extents and distances of four axes.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) extents: [usize; 4],
    pub(super) strides: [usize; 4],
}

impl Shape {
    /// In row-major order.
    pub(super) fn packed(extents: [usize; 4]) -> Self {
        let [_, b, c, d] = extents;
        Self { extents, strides: [b * c * d, c * d, d, 1] }
    }

    /// `[n, h, w, c]` in row-major order, as the `[n, c, h, w]` that cuDNN speaks of.
    pub(super) fn channels_last([n, h, w, c]: [usize; 4]) -> Self {
        Self { extents: [n, c, h, w], strides: [h * w * c, 1, w * c, c] }
    }
}

/// The id of the tensor at the address of this number.
pub(super) fn id(number: usize) -> i64 {
    number as i64 + 1
}
