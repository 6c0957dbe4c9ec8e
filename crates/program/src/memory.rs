//! Memory plans: where every value lives, known before anything runs.
//!
//! [`assign`] places intervals in an arena; [`plan`] does it for a whole Program. [`Layout`] says where the
//! elements of a view lie.

mod assign;
mod layout;
mod plan;
mod storage;
#[cfg(test)]
mod tests;

pub use assign::{Assignment, Interval, assign, lower_bound};
pub use layout::Layout;
pub use plan::{BlockPlan, Copy, Home, Need, Place, Scratch, Storage, plan};
