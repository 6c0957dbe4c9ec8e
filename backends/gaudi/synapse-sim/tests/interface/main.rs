//! The library through its C interface, opened as the vendor's would be.

// Helpers of tests fail as tests do; operands are lists even where there is one.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::cloned_ref_to_slice_refs,
    clippy::excessive_precision
)]

mod canonical;
mod faults;
mod harness;
mod memory;
mod misuse;
mod nodes;
mod recipes;
mod streams;
