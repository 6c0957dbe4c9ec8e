//! What the environment asks of a plugin.

use std::env::{self, VarError};
use std::str::FromStr;
use tintype_accel::{Error, Result};

/// The value of a variable, or the default where it is not set or empty.
///
/// # Errors
///
/// [`Error::Unavailable`] for a value that means nothing.
pub fn setting<T: FromStr<Err = String> + Default>(backend: &str, variable: &str) -> Result<T> {
    read(backend, variable, env::var(variable))
}

fn read<T: FromStr<Err = String> + Default>(
    backend: &str,
    variable: &str,
    value: std::result::Result<String, VarError>,
) -> Result<T> {
    let parsed = match value {
        Err(VarError::NotPresent) => return Ok(T::default()),
        Ok(text) if text.is_empty() => return Ok(T::default()),
        Ok(text) => text.parse(),
        Err(VarError::NotUnicode(text)) => Err(format!("{} is no text", text.display())),
    };
    parsed.map_err(|reason| Error::Unavailable {
        backend: backend.into(),
        reason: format!("{variable} is set, and {reason}"),
        remedy: format!("Unset {variable}, or set it to one of these"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Joins;

    #[test]
    fn a_setting_is_what_is_said_or_the_default() {
        let joins = |value: &str| read::<Joins>("gpu", "X", Ok(value.into()));
        assert_eq!(read::<Joins>("gpu", "X", Err(VarError::NotPresent)).unwrap(), Joins::Projections);
        assert_eq!(joins("").unwrap(), Joins::Projections);
        assert_eq!((joins("off").unwrap(), joins("all").unwrap()), (Joins::Off, Joins::All));
        let error = joins("none").unwrap_err().to_string();
        assert!(
            error.contains("X is set") && error.contains("`none`") && error.contains("Unset X"),
            "{error}"
        );
    }
}
