//! What can go wrong.

use std::path::PathBuf;

/// Why a benchmark did not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An option that does not fit what is measured.
    #[error("{option} is `{value}`: {remedy}")]
    Request {
        /// The option.
        option: &'static str,
        /// What was given.
        value: String,
        /// What to give.
        remedy: String,
    },
    /// A file that could not be read or written.
    #[error("cannot access {}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// An output that holds NaN or infinity: its timing says nothing.
    #[error("output `{output}` of {what} is not finite; a timing of it says nothing")]
    NotFinite {
        /// What was measured.
        what: &'static str,
        /// The output.
        output: String,
    },
    /// A weight that is not the same on the device.
    #[error(
        "`{what}` on the device is not what its file holds: the copy went wrong, and its timing says nothing"
    )]
    Differs {
        /// The weight.
        what: String,
    },
    /// Memory that grew by more or less than was planned.
    #[error("at {width} x {height} pixels the device's {what} grew by {grown} bytes; {planned} were planned")]
    Grown {
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
        /// What grew.
        what: &'static str,
        /// By how many bytes.
        grown: u64,
        /// How many were planned.
        planned: u64,
    },
    /// The device.
    #[error(transparent)]
    Accel(#[from] tintype_accel::Error),
    /// A model's config.
    #[error(transparent)]
    Model(#[from] tintype_models::Error),
    /// A folder or a whole pipeline.
    #[error(transparent)]
    Pipeline(Box<tintype_pipeline::Error>),
}

impl From<tintype_pipeline::Error> for Error {
    fn from(error: tintype_pipeline::Error) -> Self {
        Error::Pipeline(Box::new(error))
    }
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
