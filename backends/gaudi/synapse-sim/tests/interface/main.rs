//! The library through its C interface, opened as the vendor's would be.

mod canonical;
mod faults;
mod harness;
mod memory;
mod misuse;
mod nodes;
mod recipes;
mod streams;
