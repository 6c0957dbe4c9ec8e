//! The suite that any plugin must pass.
//!
//! Every case is compiled, bound and run in every launch mode that the device has, and held against the interpreter:
//!
//! - a run, with outputs that start as NaN and guard bytes around every buffer;
//! - another with other inputs and, where there are states, with what the first run left in them (replay = eager);
//! - another after the weights were written in place, and one after a fresh bind of the same weights;
//! - inputs and weights must still hold what they held;
//! - nothing may be compiled, captured again or waited for by a run.
//!
//! Operations that the plugin's coverage calls unsupported are listed as such: neither passed nor failed.

mod checkpoint;
mod compare;
mod device;
mod exam;
mod guarded;
mod report;

pub use report::{Check, Failure, Report, Row, Unsupported};

use crate::cases::{self, Case};
use crate::{Error, Result};
use exam::Exam;
use std::sync::Arc;
use tintype_accel::{Accelerator, Coverage, LaunchMode, Support};

/// What is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The launch modes; every one that the device has where this is empty.
    pub launch: Vec<LaunchMode>,
    /// Only cases whose name contains this.
    pub only: Option<String>,
}

/// Examines a device with every case of the suite.
///
/// An error means that nothing could be examined, such as a launch mode that the device does not have. What a plugin
/// does wrong is in the report.
pub fn run(accelerator: &Arc<dyn Accelerator>, options: &Options) -> Result<Report> {
    run_cases(accelerator, &cases::all()?, options)
}

/// As [`run`], with these cases: those of a model, for example.
pub fn run_cases(accelerator: &Arc<dyn Accelerator>, cases: &[Case], options: &Options) -> Result<Report> {
    let device = accelerator.device();
    let modes =
        if options.launch.is_empty() { device.capabilities.launch.clone() } else { options.launch.clone() };
    if let Some(&mode) = modes.iter().find(|mode| !device.capabilities.launch.contains(mode)) {
        let known: Vec<_> = device.capabilities.launch.iter().map(|mode| mode.name()).collect();
        let (backend, known) = (device.backend.to_string(), known.join(", "));
        return Err(Error::Accel(tintype_accel::Error::LaunchMode { backend, mode, known }));
    }
    let wanted = |name: &str| options.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    let mut report = Report::new(device.clone(), modes.clone());
    for (name, outcome) in device::checks(accelerator) {
        if wanted(name) {
            report.device_check(name, outcome);
        }
    }
    for case in cases.iter().filter(|case| wanted(&case.name)) {
        let unsupported = unsupported(&accelerator.coverage(&case.program));
        for &mode in &modes {
            let mut exam = Exam::new(accelerator, case, mode);
            match &unsupported {
                Some(_) => exam.must_refuse(),
                None => exam.take()?,
            }
            report.enter(case, mode, exam.finish(), unsupported.clone());
        }
    }
    Ok(report)
}

/// The first operation that cannot run, and why.
fn unsupported(coverage: &Coverage) -> Option<String> {
    let op = coverage.unsupported().next()?;
    match &op.support {
        Support::Unsupported(reason) => Some(format!("{} {}: {reason}", op.op, op.operands)),
        _ => None,
    }
}
