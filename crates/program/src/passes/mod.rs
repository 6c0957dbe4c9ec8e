//! Passes: functions from Program to Program, one a file.

mod dead;
mod decompose;
mod group;
mod inline;
mod intern;
mod rewrite;

pub use dead::eliminate_dead;
pub use decompose::decompose;
pub use group::group_elementwise;
pub use inline::inline;
