//! Memory that runs out after a run was found to fit: another program took it, or a driver or library took more than planned.

use crate::Error;
use crate::error::amount;
use std::fmt;

/// When a device's memory ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Moment {
    /// While a component was put on the device: compiled, its weights loaded, bound.
    Binding {
        /// The component, as its folder is called.
        component: &'static str,
    },
    /// While the run was under way.
    Running,
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Binding { component } => write!(f, "while `{component}` was put on it"),
            Moment::Running => f.write_str("in the middle of a run"),
        }
    }
}

/// What ran out, when, and what would help.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{device} ran out of memory {moment}: {cause}; {remedy}")]
pub struct Shortage {
    /// When.
    pub moment: Moment,
    /// The device.
    pub device: String,
    /// What was asked for, and what was free; or what the driver said.
    pub cause: String,
    /// Bytes asked for, where that is known.
    pub needed: Option<u64>,
    /// Bytes that were free then, where the size is known.
    pub free: Option<u64>,
    /// What would fit.
    pub remedy: String,
}

/// What is said until it is known what would fit, and where nothing would.
const REMEDY: &str = "end what else uses the device's memory, or choose a device with more";

impl Error {
    /// An accelerator's error that says that memory ran out, with the moment; any other error as it is.
    pub(crate) fn at(self, moment: Moment) -> Self {
        let (device, cause, needed, free) = match self {
            Error::Accel(tintype_accel::Error::OutOfMemory { what, device, needed, free }) => {
                let cause = format!("{what} needs {}, {} are free", amount(needed), amount(free));
                (device, cause, Some(needed), Some(free))
            }
            Error::Accel(tintype_accel::Error::DriverOutOfMemory { device, reason }) => {
                (device, reason, None, None)
            }
            other => return other,
        };
        let remedy = REMEDY.into();
        Error::OutOfMemory(Box::new(Shortage { moment, device, cause, needed, free, remedy }))
    }

    /// Whether a device's memory ran out.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        use tintype_accel::Error::{DriverOutOfMemory, OutOfMemory};
        match self {
            Error::Unfinished { source, .. } => source.is_out_of_memory(),
            Error::OutOfMemory(_) => true,
            Error::Accel(error) => matches!(error, OutOfMemory { .. } | DriverOutOfMemory { .. }),
            _ => false,
        }
    }

    /// The error with what would help, where that is known.
    pub(crate) fn with_remedy(self, known: Option<String>) -> Self {
        match (self, known) {
            (Error::OutOfMemory(shortage), Some(remedy)) => {
                Error::OutOfMemory(Box::new(Shortage { remedy, ..*shortage }))
            }
            (other, _) => other,
        }
    }

    /// Bytes that were missing, where memory ran out for something whose size is known.
    pub(crate) fn missing(&self) -> Option<u64> {
        let Error::OutOfMemory(shortage) = self else { return None };
        shortage.needed?.checked_sub(shortage.free?).filter(|missing| *missing > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ran_out_is_told_with_the_moment_and_a_remedy() {
        let wanted = tintype_accel::Error::OutOfMemory {
            what: "a weight".into(),
            device: "cuda:0".into(),
            needed: 3 << 30,
            free: 5 << 20,
        };
        let error = Error::from(wanted).at(Moment::Binding { component: "vae" });
        assert_eq!(error.missing(), Some((3 << 30) - (5 << 20)));
        let told = error.with_remedy(Some("it would fit with --vae-tile 256".into())).to_string();
        let wanted = "cuda:0 ran out of memory while `vae` was put on it: a weight needs 3.00 GiB, 5.00 MiB are free; \
                      it would fit with --vae-tile 256";
        assert_eq!(told, wanted);
    }

    #[test]
    fn what_the_driver_says_is_kept_and_other_errors_are_left_alone() {
        let reason = "cuGraphLaunch: code 2, CUDA_ERROR_OUT_OF_MEMORY, out of memory".to_owned();
        let error = Error::from(tintype_accel::Error::DriverOutOfMemory { device: "cuda:0".into(), reason });
        assert!(error.is_out_of_memory());
        let told = error.at(Moment::Running).to_string();
        assert!(told.contains("in the middle of a run: cuGraphLaunch: code 2") && told.ends_with(REMEDY));
        assert!(matches!(Error::Cancelled.at(Moment::Running), Error::Cancelled));
    }
}
