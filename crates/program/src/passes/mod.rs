//! Passes: functions from Program to Program, one a file.

mod dead;

pub use dead::eliminate_dead;
