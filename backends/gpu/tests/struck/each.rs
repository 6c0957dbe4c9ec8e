//! The tests, each in a process of its own.

use super::super::double::emulated;
use super::{any_call_may_fail, compiler};
use tintype_accel::LaunchMode;

#[test]
fn any_call_may_fail_as_a_graph_runs() {
    if emulated("struck::each::any_call_may_fail_as_a_graph_runs", "") {
        any_call_may_fail(LaunchMode::Graph);
    }
}

#[test]
fn any_call_may_fail_as_a_compiled_program_runs() {
    if emulated("struck::each::any_call_may_fail_as_a_compiled_program_runs", "") {
        any_call_may_fail(LaunchMode::Compiled);
    }
}

#[test]
fn any_call_may_fail_as_operations_run_one_by_one() {
    if emulated("struck::each::any_call_may_fail_as_operations_run_one_by_one", "") {
        any_call_may_fail(LaunchMode::Eager);
    }
}

#[test]
fn any_call_may_fail_as_accumulated_work_runs() {
    if emulated("struck::each::any_call_may_fail_as_accumulated_work_runs", "") {
        any_call_may_fail(LaunchMode::Lazy);
    }
}

#[test]
fn a_refused_capture_is_told_and_the_work_runs_without_a_graph() {
    let name = "struck::each::a_refused_capture_is_told_and_the_work_runs_without_a_graph";
    if emulated(name, "") && compiler() {
        super::a_capture_is_refused();
    }
}

#[test]
fn an_error_of_the_device_itself_is_told_and_leaves_nothing() {
    if emulated("struck::each::an_error_of_the_device_itself_is_told_and_leaves_nothing", "") && compiler() {
        super::an_error_of_the_device();
    }
}

/// Kernels load on several threads; which of them meets the fault is chance.
#[test]
fn a_kernel_that_fails_to_load_once_is_told_and_one_of_another_device_is_compiled_again() {
    let name =
        "struck::each::a_kernel_that_fails_to_load_once_is_told_and_one_of_another_device_is_compiled_again";
    if emulated(name, "") && compiler() {
        super::a_kernel_fails_to_load();
    }
}
