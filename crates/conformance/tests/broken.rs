//! A plugin with a defect fails in the rows that the defect touches, and in no other.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod double;

use double::{Defect, Double};
use std::collections::BTreeSet;
use tintype_conformance::suite::{Check, Options, Report, run};
use tintype_program::DType;

fn examine(defect: Defect, only: &str) -> Report {
    let only = (!only.is_empty()).then(|| only.to_string());
    run(&Double::open(defect), &Options { only, ..Options::default() }).unwrap()
}

/// The groups that fail, and the checks that they fail.
fn failing(report: &Report) -> (BTreeSet<&str>, BTreeSet<Check>) {
    let rows = report.rows.iter().filter(|row| row.failed > 0);
    (rows.map(|row| row.group.as_str()).collect(), report.failures().map(|failure| failure.check).collect())
}

#[test]
fn a_plugin_without_defects_passes() {
    let report = examine(Defect::None, "");
    assert!(report.passed(), "{report}");
    let (passed, _, unsupported) = report.totals();

    assert!(passed > 2000 && unsupported == 0, "{report}");
}

#[test]
fn wrong_pairs_fail_what_rotates_alone() {
    let report = examine(Defect::RotaryPairing, "");
    assert_eq!(failing(&report).0, ["rotary_embedding", "transformer"].into());
    let mut around = report.failures().filter(|f| !f.case.contains("rotary"));
    assert!(around.all(|f| f.case.contains("attention")), "{report}");
    assert!(failing(&report).1.contains(&Check::Numbers));
    let rows = report.rows.iter().filter(|row| row.group == "rotary_embedding");
    assert!(rows.clone().count() == 3 && rows.clone().all(|row| row.failed > 0 && row.passed > 0));
}

#[test]
fn an_ignored_mask_fails_the_masked_cases_alone() {
    let report = examine(Defect::IgnoresMask, "");
    assert_eq!(failing(&report).0, ["attention"].into());
    assert!(report.failures().all(|f| f.case.contains("mask") || f.case.contains("bias")), "{report}");
    assert!(report.failures().all(|f| !f.case.contains("no mask")));
}

#[test]
fn stale_weights_fail_after_a_write_and_pass_before() {
    let report = examine(Defect::StaleWeights, "");
    let (groups, checks) = failing(&report);
    assert_eq!(checks, [Check::WeightWrite].into(), "{report}");
    for group in ["linear", "linear encoded", "convolution", "call", "layer_norm", "gather", "decode", "rim"]
    {
        assert!(groups.contains(group), "{group} passes");
    }
    assert!(!groups.contains("unary") && !groups.contains("attention"));
}

#[test]
fn a_write_past_the_end_is_caught_everywhere() {
    let report = examine(Defect::WritesPastTheEnd, "");
    assert_eq!(failing(&report).1, [Check::Guard].into());
    // Cases without outputs have nothing to write past.
    let clean = report.rows.iter().filter(|row| row.failed == 0 && row.dtype.is_some());
    assert_eq!(clean.map(|row| row.group.as_str()).collect::<BTreeSet<_>>(), BTreeSet::new(), "{report}");
}

#[test]
fn elements_left_unwritten_are_told_from_wrong_ones() {
    let report = examine(Defect::LeavesTheTail, "reduce");
    assert_eq!(failing(&report).1, [Check::Unwritten].into(), "{report}");
    let report = examine(Defect::NanInTheTail, "linear");
    assert!(failing(&report).1.contains(&Check::Numbers), "{report}");
    assert!(!failing(&report).1.contains(&Check::Unwritten), "{report}");
}

#[test]
fn an_overwritten_input_is_caught() {
    assert_eq!(failing(&examine(Defect::WritesAnInput, "unary")).1, [Check::Unchanged].into());
}

#[test]
fn states_written_in_order_fail_where_they_exchange() {
    let report = examine(Defect::StatesInOrder, "");
    assert_eq!(failing(&report).0, ["state"].into());
    assert!(report.failures().any(|f| f.case.contains("exchanged")));
    assert!(report.failures().all(|f| !f.case.contains("counter")), "{report}");
}

#[test]
fn inputs_frozen_by_a_capture_fail_the_replay() {
    let report = examine(Defect::FrozenInputs, "softmax");
    assert_eq!(failing(&report).1, [Check::Replay].into());
}

#[test]
fn truncated_bf16_fails_bf16_alone() {
    let report = examine(Defect::TruncatesBf16, "cast");
    let dtypes: BTreeSet<_> = report.rows.iter().filter(|row| row.failed > 0).map(|row| row.dtype).collect();
    assert_eq!(dtypes, [Some(tintype_program::DType::Bf16)].into(), "{report}");
}

#[test]
fn a_rounding_on_the_way_fails_until_it_is_told_and_is_named_then() {
    let report = examine(Defect::RoundsBeforeBias, "convol");
    assert_eq!(failing(&report).0, ["convolution"].into(), "{report}");
    assert!(report.failures().all(|f| f.case.contains("bf16") || f.case.contains("f16")), "{report}");
    assert!(report.rows.iter().all(|row| row.rounded_more == 0));
    let report = examine(Defect::TellsRounding, "convol");
    assert!(report.passed(), "{report}");
    let mut rows = report.rows.iter().filter(|row| row.group == "convolution");
    assert!(rows.all(|row| (row.rounded_more > 0) == (row.dtype != Some(DType::F32))), "{report}");
    assert!(report.to_string().contains("note: convolution bf16: "), "{report}");
}

#[test]
fn work_that_a_run_must_not_do_is_counted() {
    for defect in [Defect::CompilesInRuns, Defect::WaitsInRuns, Defect::CapturesAgain, Defect::DoesNotCount] {
        let report = examine(defect, "silu");
        assert_eq!(failing(&report).1, [Check::Stats].into(), "{defect:?}");
    }
}

#[test]
fn unsupported_operations_are_listed_and_not_failed() {
    let report = examine(Defect::LacksConvolution, "convol");
    let (_, failed, unsupported) = report.totals();
    assert!(failed == 0 && unsupported > 100, "{report}");
    assert!(report.to_string().contains("there is no kernel"));
    let report = examine(Defect::HidesConvolution, "convol");
    assert_eq!(failing(&report).1, [Check::Error].into());
}

#[test]
fn errors_of_the_device_are_findings() {
    let report = examine(Defect::FailsOnCasts, "cast");
    let text = report.to_string();
    assert!(text.contains("the cast kernel died") && text.contains("FAILED"), "{text}");
    assert!(report.rows.iter().any(|row| row.group == "cast" && row.failed == 0 && row.passed > 0));
}

#[test]
fn a_launch_mode_that_the_device_lacks_is_refused() {
    let options = Options { launch: vec![tintype_accel::LaunchMode::Lazy], ..Options::default() };
    let error = run(&Double::open(Defect::None), &options).unwrap_err().to_string();
    assert!(error.contains("lazy") && error.contains("eager, graph"), "{error}");
}
