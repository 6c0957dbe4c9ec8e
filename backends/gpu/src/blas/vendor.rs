//! In what cuBLASLt and hipBLASLt differ.

use super::Object;
use crate::Dialect;
use std::ffi::c_void;

/// A vendor's numbers for what both libraries have, of their headers.
#[derive(Clone, Copy, Debug)]
pub struct Numbers {
    /// Sums in f32; those whose factors may be rounded to tf32, where the device has that.
    pub compute: [i32; 2],
    /// A factor as it is, and transposed.
    pub operations: [i32; 2],
    /// Attributes of a product: what is done to its first and its second factor.
    pub transposes: [i32; 2],
    /// Attributes of a product: what follows it, the bias' address, the bias' type.
    pub epilogue: [i32; 3],
    /// Attributes of a matrix: how many there are, and elements from one to the next.
    pub batch: [i32; 2],
    /// Preferences beside that for a workspace, each with its value.
    pub preferences: &'static [(i32, u32)],
    /// Preferences for what the addresses of a, b, c and d are multiples of; none where the library is not told.
    pub alignments: Option<[i32; 4]>,
    /// What every address must be a multiple of to be offered, in bytes.
    pub least_alignment: usize,
    /// Algorithms that its heuristic is asked for, 24 at most: the first may be one that does not hold what was promised.
    pub list: usize,
    /// Bytes of workspace that an algorithm may want.
    pub workspace: u64,
    /// Where a result of the heuristic, which begins with the algorithm, has the bytes of workspace and its status, and how
    /// long it is: in bytes, 96 at most.
    pub result: [usize; 3],
}

/// A library that multiplies matrices: what it does in its own way.
pub trait Vendor: Send + Sync {
    /// What people call it.
    fn title(&self) -> &'static str;

    /// The names of its functions.
    fn dialect(&self) -> Dialect;

    /// Its numbers.
    fn numbers(&self) -> &Numbers;

    /// Its version; empty where it does not say.
    fn version(&self, handle: Object) -> String;

    /// Its name for a status.
    fn status(&self, code: i32) -> Option<String>;

    /// What an algorithm is made of, for reports. `algorithm` is one that the library's heuristic gave.
    fn describe(&self, _algorithm: *const c_void) -> String {
        String::new()
    }
}
