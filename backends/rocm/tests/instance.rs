//! Programs under the software double of HIP: whichever call of a run fails.

#![allow(clippy::unwrap_used, clippy::panic)]

mod double;
#[path = "../../gpu/tests/struck/mod.rs"]
mod struck;

use double::emulated;
use struck::{Vendor, any_call_may_fail, compiler};
use tintype_accel::{Driver, LaunchMode, OpenOptions};
use tintype_rocm::RocmDriver;

const VENDOR: Vendor = Vendor {
    open: || RocmDriver.open(0, &OpenOptions::default()),
    query: "hipEventQuery",
    launch: "hipModuleLaunchKernel",
    replay: "hipGraphLaunch",
    load: &["hipModuleLoadData", "hipModuleGetFunction", "hipFuncGetAttribute"],
    stays: true,
};

#[test]
fn any_call_may_fail_as_a_graph_runs() {
    if emulated("any_call_may_fail_as_a_graph_runs", "") {
        any_call_may_fail(LaunchMode::Graph);
    }
}

#[test]
fn any_call_may_fail_as_a_compiled_program_runs() {
    if emulated("any_call_may_fail_as_a_compiled_program_runs", "") {
        any_call_may_fail(LaunchMode::Compiled);
    }
}

#[test]
fn any_call_may_fail_as_operations_run_one_by_one() {
    if emulated("any_call_may_fail_as_operations_run_one_by_one", "") {
        any_call_may_fail(LaunchMode::Eager);
    }
}

#[test]
fn any_call_may_fail_as_accumulated_work_runs() {
    if emulated("any_call_may_fail_as_accumulated_work_runs", "") {
        any_call_may_fail(LaunchMode::Lazy);
    }
}

#[test]
fn an_error_of_the_device_itself_is_told_and_leaves_nothing() {
    if emulated("an_error_of_the_device_itself_is_told_and_leaves_nothing", "") && compiler() {
        struck::an_error_of_the_device();
    }
}

/// Kernels load on several threads; which of them meets the fault is chance.
#[test]
fn a_kernel_that_fails_to_load_once_is_told_and_one_of_another_device_is_compiled_again() {
    let name = "a_kernel_that_fails_to_load_once_is_told_and_one_of_another_device_is_compiled_again";
    if emulated(name, "") && compiler() {
        struck::a_kernel_fails_to_load();
    }
}
