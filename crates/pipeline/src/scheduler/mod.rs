//! Schedulers as tables: which timestep each step has, and how the next sample follows from the model's output.
//!
//! A step of any scheduler here is one row of coefficients,
//!
//! ```text
//! x0     = a_sample · sample + a_model · model_output
//! sample = c_sample · sample + c_x0 · x0 + c_hist0 · history[0] + c_hist1 · history[1] + c_noise · noise
//! ```
//!
//! after which the history moves on: `history[1] = history[0]`, `history[0] = x0`. So a denoising loop is the same
//! program for every scheduler; only the numbers in the table differ. All is computed here, on the host, once.

mod dpm;
mod dpm_step;
mod flow;
mod noise_levels;
mod refused;
mod request;
mod select;
mod table;

pub use dpm::DpmSolverMultistep;
pub use flow::FlowMatchEulerDiscrete;
pub use noise_levels::{Shift, TimeShift};
pub use request::{ScheduleRequest, Steps, first_step};
pub use select::{Sampler, Scheduler};
pub use table::{StepRow, StepTable, mix_noise};
