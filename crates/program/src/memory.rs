//! Memory plans: where every value lives, known before anything runs.
//!
//! [`assign`] places intervals in an arena; [`plan`] does it for a whole Program.

mod assign;
mod plan;
mod storage;
#[cfg(test)]
mod tests;

pub use assign::{Assignment, Interval, assign, lower_bound};
pub use plan::{BlockPlan, Copy, Need, Place, Scratch, Storage, plan};
