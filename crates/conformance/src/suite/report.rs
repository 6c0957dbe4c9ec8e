//! What was found, as a table for people and as data for `--json`.

use crate::cases::Case;
use serde::Serialize;
use std::fmt;
use tintype_accel::{Device, LaunchMode};
use tintype_program::DType;

/// What a finding shows to be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A first run gives wrong numbers.
    Numbers,
    /// A run leaves elements of an output as they were.
    Unwritten,
    /// A run writes outside a buffer.
    Guard,
    /// A run writes an input or a weight.
    Unchanged,
    /// A second run, with other inputs, gives wrong numbers.
    Replay,
    /// A run after a weight was written in place gives wrong numbers.
    WeightWrite,
    /// A run of a second instance gives wrong numbers.
    FreshBind,
    /// Something was compiled, captured, waited for or miscounted.
    Stats,
    /// What coverage says is not what compiling does.
    Coverage,
    /// A module describes another Program than the one it was compiled from.
    Signature,
    /// The plugin reported an error.
    Error,
    /// The device does not keep a promise of its interface.
    Device,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) check: Check,
    pub(super) detail: String,
}

/// What became of one case in one launch mode.
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome {
    pub(super) worst: f64,
    /// On the way, beyond those of the case, as the plugin told.
    pub(super) roundings: u32,
    pub(super) findings: Vec<Finding>,
}

/// A case that failed, in one launch mode, at one check.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    /// The case.
    pub case: String,
    /// The launch mode; none for a check of the device.
    pub launch: Option<LaunchMode>,
    /// What is wrong.
    pub check: Check,
    /// How it showed.
    pub detail: String,
}

/// A case that the plugin says it cannot run.
#[derive(Clone, Debug, Serialize)]
pub struct Unsupported {
    /// The case.
    pub case: String,
    /// The plugin's reason.
    pub reason: String,
}

/// The cases of an operation in a dtype, counted once a launch mode.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The operation, or the kind of composition.
    pub group: String,
    /// The dtype; none for checks of the device.
    pub dtype: Option<DType>,
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// The largest error as a fraction of the tolerance. Above 1 fails.
    pub worst: f64,
    /// The case with that error.
    pub worst_case: String,
    /// How many are held to more roundings than their operations have by themselves, because the plugin says that its library
    /// rounds on the way: [`tintype_accel::Accelerator::roundings`].
    pub rounded_more: usize,
    /// Every finding.
    pub failures: Vec<Failure>,
    /// Cases that the plugin says it cannot run: neither passed nor failed.
    pub unsupported: Vec<Unsupported>,
}

/// Everything that was found on a device.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The device.
    pub device: Device,
    /// The launch modes that cases ran in.
    pub launch: Vec<LaunchMode>,
    /// Operations and dtypes, in the suite's order.
    pub rows: Vec<Row>,
}

impl Report {
    pub(super) fn new(device: Device, launch: Vec<LaunchMode>) -> Self {
        Self { device, launch, rows: Vec::new() }
    }

    /// How many cases passed, failed, and are unsupported, over all rows.
    pub fn totals(&self) -> (usize, usize, usize) {
        self.rows.iter().fold((0, 0, 0), |(passed, failed, unsupported), row| {
            (passed + row.passed, failed + row.failed, unsupported + row.unsupported.len())
        })
    }

    /// Whether something passed and nothing failed.
    pub fn passed(&self) -> bool {
        let (passed, failed, _) = self.totals();
        passed > 0 && failed == 0
    }

    /// Every finding.
    pub fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.rows.iter().flat_map(|row| &row.failures)
    }

    fn row(&mut self, group: &str, dtype: Option<DType>) -> &mut Row {
        let known = self.rows.iter().position(|row| row.group == group && row.dtype == dtype);
        let index = known.unwrap_or_else(|| {
            self.rows.push(Row {
                group: group.into(),
                dtype,
                passed: 0,
                failed: 0,
                worst: 0.0,
                worst_case: String::new(),
                rounded_more: 0,
                failures: Vec::new(),
                unsupported: Vec::new(),
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    pub(super) fn device_check(&mut self, name: &str, outcome: Result<(), String>) {
        let row = self.row("device", None);
        match outcome {
            Ok(()) => row.passed += 1,
            Err(detail) => {
                row.failed += 1;
                row.failures.push(Failure { case: name.into(), launch: None, check: Check::Device, detail });
            }
        }
    }

    pub(super) fn enter(
        &mut self,
        case: &Case,
        mode: LaunchMode,
        outcome: Outcome,
        unsupported: Option<String>,
    ) {
        let row = self.row(case.group, Some(case.dtype));
        let name = &case.name;
        row.rounded_more += usize::from(outcome.roundings > 0);
        if !outcome.findings.is_empty() {
            row.failed += 1;
        } else if let Some(reason) = unsupported {
            row.unsupported.push(Unsupported { case: name.clone(), reason });
        } else {
            row.passed += 1;
        }
        if outcome.worst > row.worst {
            (row.worst, row.worst_case) = (outcome.worst, name.clone());
        }
        row.failures.extend(outcome.findings.into_iter().map(|finding| Failure {
            case: name.clone(),
            launch: Some(mode),
            check: finding.check,
            detail: finding.detail,
        }));
    }
}

impl fmt::Display for Report {
    /// A table of operations and dtypes, then every finding and every reason for what is unsupported.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Device { name, emulated, .. } = &self.device;
        let emulated = if *emulated { ", emulated" } else { "" };
        let modes: Vec<_> = self.launch.iter().map(|mode| mode.name()).collect();
        writeln!(f, "{} ({name}{emulated}), launch {}", self.device.label(), modes.join(", "))?;
        writeln!(
            f,
            "{:20} {:5} {:>7} {:>7} {:>12} {:>7}",
            "group", "dtype", "passed", "failed", "unsupported", "worst"
        )?;
        for row in &self.rows {
            let dtype = row.dtype.map_or("-", DType::name);
            let (unsupported, worst) = (row.unsupported.len(), row.worst);
            let Row { group, passed, failed, .. } = row;
            writeln!(f, "{group:20} {dtype:5} {passed:>7} {failed:>7} {unsupported:>12} {worst:>7.2}")?;
        }
        for row in self.rows.iter().filter(|row| row.rounded_more > 0) {
            let (dtype, count) = (row.dtype.map_or("-", DType::name), row.rounded_more);
            let group = &row.group;
            writeln!(
                f,
                "note: {group} {dtype}: {count} held to roundings on the way, which the plugin tells"
            )?;
        }
        for failure in self.failures() {
            let Failure { case, launch, check, detail } = failure;
            let launch = launch.map(|mode| format!(", {mode}")).unwrap_or_default();
            writeln!(f, "FAILED {case}{launch}: {check:?}: {detail}")?;
        }
        for unsupported in self.rows.iter().flat_map(|row| &row.unsupported) {
            writeln!(f, "unsupported {}: {}", unsupported.case, unsupported.reason)?;
        }
        let (passed, failed, unsupported) = self.totals();
        let verdict = if self.passed() { "PASSED" } else { "FAILED" };
        write!(f, "{verdict}: {passed} passed, {failed} failed, {unsupported} unsupported")
    }
}
