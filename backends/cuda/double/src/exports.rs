//! The exported functions, by subject.

pub mod context;
pub mod control;
pub mod copy;
pub mod device;
pub mod event;
pub mod function;
pub mod graph;
pub mod host;
pub mod launch;
pub mod memory;
pub mod module;
pub mod resolve;
pub mod start;
pub mod stream;
pub mod trampolines;

use std::ffi::c_void;

/// Every function of the double by name.
pub fn table() -> Vec<(&'static str, *mut c_void)> {
    let tables = [
        context::table(),
        copy::table(),
        device::table(),
        event::table(),
        function::table(),
        graph::table(),
        host::table(),
        launch::table(),
        memory::table(),
        module::table(),
        start::table(),
        stream::table(),
    ];
    tables.into_iter().flatten().chain(resolve::table()).collect()
}
