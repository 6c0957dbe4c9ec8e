//! What can go wrong with packages.

use std::path::PathBuf;

/// An error of this crate. Each says what failed, on which file, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Python with torch.
    #[error(
        "no Python that can compile packages: {tried}. Set TINTYPE_PYTHON to the interpreter of an environment that has torch 2.11"
    )]
    NoPython {
        /// Each that was tried, and what it said.
        tried: String,
    },
    /// The exporter failed.
    #[error("the exporter failed on {program}: {reason}\n{log}")]
    Exporter {
        /// The Program, by name and hash.
        program: String,
        /// What it told.
        reason: String,
        /// The last lines that it wrote on standard error.
        log: String,
    },
    /// A file cannot be read, or is not what it should be.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// Captured Programs of which what is asked for cannot be made.
    #[error("what was captured: {reason}")]
    Captured {
        /// Why, and what to do.
        reason: String,
    },
    /// No libtorch.
    #[error(
        "no libtorch: {searched}. Set TINTYPE_LIBTORCH to the folder that has libtorch.so, such as lib in the folder of Python's torch"
    )]
    NoLibtorch {
        /// Where it was looked for, and what was found.
        searched: String,
    },
    /// A package that was made for something else.
    #[error("package {} does not run here: {reason}", path.display())]
    Mismatch {
        /// The package's folder.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// A package that is not whole, or does not do what its manifest says.
    #[error("package {} is not loaded: {reason}. Compile it anew with `tintype aot compile`", path.display())]
    Package {
        /// The package's folder.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A Program that cannot be written or read.
    #[error(transparent)]
    Program(#[from] tintype_program::Error),
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// As the accelerator layer tells it.
    pub(crate) fn of_backend(self) -> tintype_accel::Error {
        tintype_accel::Error::Unavailable {
            backend: "inductor".into(),
            reason: self.to_string(),
            remedy: "--engine native runs without packages".into(),
        }
    }

    pub(crate) fn file(path: impl Into<PathBuf>, reason: impl ToString) -> Self {
        Error::File { path: path.into(), reason: reason.to_string() }
    }
}
