//! What can go wrong while a Program is traced, checked, transformed or read.

use std::panic::Location;

/// An error of this crate. Every variant names what failed and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation was given operands that it cannot take.
    #[error("{op} cannot take {operands}: {reason} (at {location})")]
    Operands {
        /// The operation's name.
        op: String,
        /// Its operands' types.
        operands: String,
        /// Why they do not fit.
        reason: String,
        /// The source line that made the operation, or the node in a Program that was read.
        location: String,
    },
    /// A name was declared twice with different types, or a declaration stands where none may.
    #[error("cannot declare {what} `{name}` in block `{block}`: {reason}")]
    Declaration {
        /// `input`, `parameter`, `state` or `output`.
        what: &'static str,
        /// The declared name.
        name: String,
        /// The block.
        block: String,
        /// Why it is refused.
        reason: String,
    },
    /// A value of one block was used in another. Values cross blocks only as arguments and results of calls.
    #[error(
        "a value of block `{owner}` was used in block `{user}` (at {location}); pass it as an argument of the call"
    )]
    ForeignValue {
        /// The block that the value belongs to.
        owner: String,
        /// The block that used it.
        user: String,
        /// The source line.
        location: String,
    },
    /// Two traces have no template, or a text is none.
    #[error("no template of `{name}`: {reason}")]
    Template {
        /// The Program, or what was read.
        name: String,
        /// Where they differ and why that does not go, or what is wrong with the text.
        reason: String,
    },
    /// A Program breaks a rule of the format.
    #[error("invalid program: block `{block}`: {reason}")]
    Invalid {
        /// The block.
        block: String,
        /// The rule that is broken, and where.
        reason: String,
    },
    /// A Program was written in a version that this library does not read.
    #[error(
        "this program has format version {found}; this build of tintype reads version {supported}. Trace it again, or use a build that writes version {supported}"
    )]
    Version {
        /// The version found.
        found: u64,
        /// The version that is understood.
        supported: u64,
    },
    /// Text that is not a Program in JSON.
    #[error("not a program in JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// The caller's source line, as errors print it.
pub(crate) fn here(location: &Location<'_>) -> String {
    format!("{}:{}", location.file(), location.line())
}
