//! What can go wrong between a config and a Program.

/// An error of this crate. Every variant names the model and what failed in it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of a config makes no model, or none that this library has.
    #[error("{component}: `{field}` is {value}; {remedy}")]
    Config {
        /// The model.
        component: &'static str,
        /// The field of `config.json`.
        field: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        remedy: String,
    },
    /// Text that is not a config of this model.
    #[error(
        "{component}: the config cannot be read: {source}; use the config.json published with the weights"
    )]
    Json {
        /// The model.
        component: &'static str,
        /// What the parser expected, and where.
        source: serde_json::Error,
    },
    /// A size that the model cannot work at.
    #[error("{component}: {what} is {value}; {remedy}")]
    Size {
        /// The model.
        component: &'static str,
        /// The size that was asked for.
        what: &'static str,
        /// Its value.
        value: usize,
        /// What would be accepted.
        remedy: String,
    },
    /// Tracing failed.
    #[error(transparent)]
    Program(#[from] tintype_program::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
