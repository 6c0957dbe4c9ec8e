//! What a vendor's own parts take.

use serde::{Deserialize, Serialize};

/// What a device's own driver and libraries take before anything is built on them, in a process that has not touched them:
/// what a start and an upload are to be held against.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bare {
    /// What was made, in order, and the seconds of each: finding and opening its library are part of it. A library that is
    /// not installed is left out.
    pub made: Vec<(String, f64)>,
    /// Bytes a second from page-locked memory of the host to the device, the best of several; none where nothing is copied.
    pub upload: Option<f64>,
}

impl Bare {
    /// Seconds of all that was made.
    pub fn seconds(&self) -> f64 {
        self.made.iter().map(|(_, seconds)| seconds).sum()
    }
}
