//! The closed set of schedulers, and which one a folder asks for.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{DpmSolverMultistep, FlowMatchEulerDiscrete, ScheduleRequest, StepTable};
use crate::error::{Error, Result, brief};
use crate::folder::{Location, json_error, read_text};
use enum_dispatch::enum_dispatch;
use serde::Deserialize;

/// What every scheduler gives.
#[enum_dispatch]
pub trait Sampler {
    /// The table of the steps that `request` runs.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] if the request cannot be met.
    fn table(&self, request: &ScheduleRequest) -> Result<StepTable>;

    /// How many earlier predictions its steps use: 0, 1 or 2.
    fn history(&self) -> usize;
}

/// A scheduler of any supported class.
#[enum_dispatch(Sampler)]
#[derive(Clone, Debug, PartialEq)]
pub enum Scheduler {
    /// Euler steps on a flow-matching path: Flux's own.
    FlowMatchEulerDiscrete,
    /// DPM-Solver++ with up to two earlier predictions.
    DpmSolverMultistep,
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "_class_name", default)]
    class: String,
}

impl Scheduler {
    /// The diffusers classes that are read.
    pub const NAMES: [&str; 2] = ["FlowMatchEulerDiscreteScheduler", "DPMSolverMultistepScheduler"];

    /// The diffusers class.
    pub const fn name(&self) -> &'static str {
        match self {
            Scheduler::FlowMatchEulerDiscrete(_) => Self::NAMES[0],
            Scheduler::DpmSolverMultistep(_) => Self::NAMES[1],
        }
    }

    /// Reads `scheduler_config.json` in a scheduler's folder.
    ///
    /// # Errors
    ///
    /// [`Error::Read`], [`Error::Json`], [`Error::UnknownScheduler`], and [`Error::ConfigValue`] for a setting that
    /// is not implemented.
    pub fn open(folder: impl Into<Location>) -> Result<Self> {
        let path = folder.into().join("scheduler_config.json");
        let text = read_text(&path)?;
        let path = path.to_path_buf();
        let bad = |error: serde_json::Error| json_error(&path, &text, &error);
        let class = serde_json::from_str::<Named>(&text).map_err(bad)?.class;
        let scheduler: Scheduler = match class.as_str() {
            "FlowMatchEulerDiscreteScheduler" => {
                serde_json::from_str::<FlowMatchEulerDiscrete>(&text).map_err(bad)?.into()
            }
            "DPMSolverMultistepScheduler" => {
                serde_json::from_str::<DpmSolverMultistep>(&text).map_err(bad)?.into()
            }
            _ => {
                let class = if class.is_empty() { "(none)".into() } else { brief(&class) };
                return Err(Error::UnknownScheduler { path, class, supported: Self::NAMES.join(", ") });
            }
        };
        let refused = match &scheduler {
            Scheduler::FlowMatchEulerDiscrete(config) => config.refused(),
            Scheduler::DpmSolverMultistep(config) => config.refused(),
        };
        match refused {
            None => Ok(scheduler),
            Some((key, value, remedy)) => {
                Err(Error::ConfigValue { path, key: key.into(), value, remedy: remedy.into() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn open(text: &str) -> Result<Scheduler> {
        let scratch = Scratch::new();
        scratch.file("scheduler_config.json", text);
        Scheduler::open(scratch.path())
    }

    #[test]
    fn both_classes_open_with_defaults() {
        let flow =
            open(r#"{"_class_name":"FlowMatchEulerDiscreteScheduler","shift":3.0,"_diffusers_version":"x"}"#);
        let expected = FlowMatchEulerDiscrete { shift: 3.0, ..Default::default() };
        assert_eq!(flow.unwrap(), Scheduler::from(expected));
        let dpm =
            open(r#"{"_class_name":"DPMSolverMultistepScheduler","use_flow_sigmas":true,"solver_order":3}"#);
        assert_eq!(dpm.unwrap().history(), 2);
    }

    #[test]
    fn what_cannot_be_run_names_the_key() {
        let told = |text: &str| open(text).unwrap_err().to_string();
        assert!(told(r#"{"_class_name":"DDIMScheduler"}"#).contains("`DDIMScheduler`"));
        assert!(told("{}").contains("(none)"));
        assert!(told("{").contains("scheduler_config.json line 1"));
        let flow =
            |rest: &str| told(&format!(r#"{{"_class_name":"FlowMatchEulerDiscreteScheduler",{rest}}}"#));
        assert!(flow(r#""use_beta_sigmas":true"#).contains("`use_beta_sigmas` is true"));
        assert!(flow(r#""shift":"big""#).contains("`shift`"));
        assert!(flow(r#""shift":-1"#).contains("above 0"));
        assert!(flow(r#""time_shift_type":"cubic""#).contains("cubic"));
        assert!(flow(r#""base_image_seq_len":4096"#).contains("must differ"));
        let dpm = |rest: &str| told(&format!(r#"{{"_class_name":"DPMSolverMultistepScheduler"{rest}}}"#));
        assert!(dpm("").contains("use_flow_sigmas"));
        assert!(dpm(r#","use_flow_sigmas":true,"solver_order":4"#).contains("`solver_order` is 4"));
        assert!(dpm(r#","use_flow_sigmas":true,"algorithm_type":"deis""#).contains("dpmsolver++"));
    }
}
