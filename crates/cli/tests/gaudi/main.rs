//! Gaudi from the command line on, on the software Synapse: everything here is emulated.
#![cfg(feature = "gaudi")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../common/mod.rs"]
mod common;
mod faults;
mod labels;
mod pictures;
mod recipes;
mod users;

/// The same arguments with another number of steps.
fn with_steps<'a>(mut arguments: Vec<&'a str>, steps: &'a str) -> Vec<&'a str> {
    let option = arguments.iter().position(|argument| *argument == "--steps").unwrap();
    arguments[option + 1] = steps;
    arguments
}
