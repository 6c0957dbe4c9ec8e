//! What can go wrong while Programs are interpreted or a plugin is examined.

/// An error of this crate. Every variant names what failed and on what.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Program breaks a rule of its format.
    #[error(transparent)]
    Program(#[from] tintype_program::Error),
    /// Nothing was given for an input, a parameter or a state.
    #[error("nothing is bound to {role} `{name}`; give it {wanted}")]
    Missing {
        /// `input`, `parameter` or `state`.
        role: &'static str,
        /// The name that the Program declares.
        name: String,
        /// The declared type.
        wanted: String,
    },
    /// What was given does not have the declared size or shape.
    #[error("`{name}` is {wanted}, but was given {given}")]
    Misfit {
        /// The name that the Program declares.
        name: String,
        /// The declared type.
        wanted: String,
        /// What was given.
        given: String,
    },
    /// The device, or a request made of it.
    #[error(transparent)]
    Accel(#[from] tintype_accel::Error),
    /// Something was given under a name that the Program does not declare.
    #[error("the program declares nothing called `{name}`")]
    Unknown {
        /// The name.
        name: String,
    },
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
