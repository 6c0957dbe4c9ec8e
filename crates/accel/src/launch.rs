//! How work reaches a device.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How a Program is launched. A device lists the modes it has ([`crate::Capabilities::launch`]); asking for another
/// is an error, never an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LaunchMode {
    /// Operation by operation, nothing fused: to debug.
    Eager,
    /// One launch plan or recipe a block, launched by the host.
    Compiled,
    /// Work of several Programs accumulates until a flush.
    Lazy,
    /// Captured or recorded once per shape, then replayed.
    Graph,
}

impl LaunchMode {
    /// Every mode.
    pub const ALL: [LaunchMode; 4] =
        [LaunchMode::Eager, LaunchMode::Compiled, LaunchMode::Lazy, LaunchMode::Graph];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            LaunchMode::Eager => "eager",
            LaunchMode::Compiled => "compiled",
            LaunchMode::Lazy => "lazy",
            LaunchMode::Graph => "graph",
        }
    }
}

impl fmt::Display for LaunchMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for LaunchMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = LaunchMode::ALL.into_iter().find(|mode| mode.name() == text);
        known.ok_or_else(|| format!("`{text}` is no launch mode: eager, compiled, lazy or graph"))
    }
}

/// Why accumulated work is handed to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FlushReason {
    /// The end of a denoising step.
    Step,
    /// The host wants to read a result.
    ReadBack,
    /// A capture starts or ends.
    Capture,
    /// Too much has accumulated.
    Size,
    /// The host writes memory that accumulated work may read.
    Write,
    /// A point of the queue is marked, or all of it waited for.
    Fence,
}
