//! From a graph to a plan that can be executed, or from what an earlier plan was kept as.

use super::descriptor::Descriptor;
use super::graph::Graph;
use super::table::{Object, Table};
use super::values::{HEURISTIC_A, attribute, kind, note, of};
use std::sync::Arc;

/// The most workspace that a plan may want, in bytes.
const WORKSPACE: i64 = 512 << 20;
/// Notes that an engine may carry; there are ten kinds.
const NOTES: usize = 32;

/// What a plan is made for: a handle's device, or one that is only described.
#[derive(Clone, Copy)]
pub(super) enum Target<'a> {
    Handle(Object),
    Described(&'a Descriptor),
}

impl Target<'_> {
    fn handle(self) -> Option<Object> {
        match self {
            Self::Handle(handle) => Some(handle),
            Self::Described(_) => None,
        }
    }

    fn set(self, plan: &Descriptor) -> Result<(), String> {
        match self {
            Self::Handle(handle) => plan.set(attribute::PLAN_HANDLE, of::HANDLE, &[handle]),
            Self::Described(device) => plan.point(attribute::PLAN_DEVICE, &[device.object()]),
        }
    }
}

/// A final execution plan.
pub(super) struct Plan {
    pub(super) descriptor: Descriptor,
    /// Bytes.
    pub(super) workspace: usize,
    /// What it can be made from again, by the same version for the same device.
    pub(super) json: Vec<u8>,
    /// What it was made from, where it was.
    _from: Option<(Graph, Descriptor)>,
}

/// Asks for engines and takes the first that finishes, fits, and keeps the promises about its numbers: `exact` where
/// f32 is f32 throughout.
pub(super) fn build(
    table: &Arc<Table>,
    graph: Graph,
    target: Target<'_>,
    exact: bool,
) -> Result<Plan, String> {
    let operations = graph.finish(target.handle())?;
    let heuristics = Descriptor::new(table, kind::HEURISTICS)?;
    heuristics.point(attribute::HEURISTIC_GRAPH, &[operations.object()])?;
    heuristics.set(attribute::HEURISTIC_MODE, of::HEURISTIC, &[HEURISTIC_A])?;
    if let Target::Described(device) = target {
        heuristics.point(attribute::HEURISTIC_DEVICE, &[device.object()])?;
    }
    let heuristics = heuristics.finalize("asking for engines")?;
    let count = heuristics.count(attribute::HEURISTIC_RESULTS, of::DESCRIPTOR)?;
    let configurations: Vec<Descriptor> =
        (0..count).map(|_| Descriptor::new(table, kind::CONFIGURATION)).collect::<Result<_, _>>()?;
    let mut objects: Vec<Object> = configurations.iter().map(Descriptor::object).collect();
    let found = heuristics.get(attribute::HEURISTIC_RESULTS, of::DESCRIPTOR, &mut objects)?;
    // The count is of candidates; those that the library cannot use here are left out of the list.
    if found == 0 {
        return Err(
            "cuDNN has no engine for it (CUDNN_LOGLEVEL_DBG=3 CUDNN_LOGDEST_DBG=stderr shows why)".into()
        );
    }
    let mut reasons: Vec<String> = Vec::new();
    for configuration in configurations.into_iter().take(found) {
        match finish(table, &configuration, target, exact) {
            Ok(descriptor) => {
                let mut plan = read(descriptor)?;
                plan._from = Some((graph, configuration));
                return Ok(plan);
            }
            Err(reason) if reasons.contains(&reason) => {}
            Err(reason) => reasons.push(reason),
        }
    }
    reasons.truncate(3);
    Err(format!("none of cuDNN's {found} engines will do: {}", reasons.join("; ")))
}

/// Makes a plan of one engine.
fn finish(
    table: &Arc<Table>,
    configuration: &Descriptor,
    target: Target<'_>,
    exact: bool,
) -> Result<Descriptor, String> {
    if let Some(reason) = refused(exact, &notes(table, configuration)?) {
        return Err(format!("an engine {reason}"));
    }
    let plan = Descriptor::new(table, kind::PLAN)?;
    target.set(&plan)?;
    plan.point(attribute::PLAN_CONFIGURATION, &[configuration.object()])?;
    let plan = plan.finalize("making a plan")?;
    match workspace(&plan)? {
        bytes if bytes > WORKSPACE => Err(format!("an engine wants {bytes} bytes of workspace")),
        _ => Ok(plan),
    }
}

/// How a configuration's engine makes its numbers.
fn notes(table: &Arc<Table>, configuration: &Descriptor) -> Result<Vec<i32>, String> {
    let engine = Descriptor::new(table, kind::ENGINE)?;
    configuration.get(attribute::CONFIGURATION_ENGINE, of::DESCRIPTOR, &mut [engine.object()])?;
    let mut notes = vec![0i32; NOTES];
    let found = engine.get(attribute::ENGINE_NUMERICAL_NOTE, of::NUMERICAL_NOTE, &mut notes)?;
    notes.truncate(found);
    Ok(notes)
}

/// Why an engine whose numbers are made as `notes` say may not be taken.
fn refused(exact: bool, notes: &[i32]) -> Option<&'static str> {
    notes.iter().find_map(|note| match *note {
        note::NONDETERMINISTIC => Some("sums in no fixed order"),
        note::TENSOR_CORE if exact => Some("rounds factors for tensor cores"),
        note::DOWN_CONVERT_INPUTS if exact => Some("rounds its inputs"),
        note::REDUCED_PRECISION if exact => Some("rounds its sums"),
        note::FFT if exact => Some("goes through Fourier transforms"),
        note::WINOGRAD..=note::WINOGRAD_LAST if exact => Some("goes through Winograd's transform"),
        _ => None,
    })
}

/// Makes a plan from what an earlier one was kept as. The library refuses what another version wrote.
pub(super) fn reload(table: &Arc<Table>, json: &[u8], target: Target<'_>) -> Result<Plan, String> {
    let plan = Descriptor::new(table, kind::PLAN)?;
    target.set(&plan)?;
    plan.set(attribute::PLAN_JSON, of::CHARACTER, json)?;
    let descriptor = plan.finalize("making a plan from its JSON")?;
    let workspace = workspace(&descriptor)?;
    Ok(Plan { descriptor, workspace: size(workspace)?, json: json.to_vec(), _from: None })
}

fn read(descriptor: Descriptor) -> Result<Plan, String> {
    let workspace = size(workspace(&descriptor)?)?;
    let mut json = vec![0; descriptor.count(attribute::PLAN_JSON, of::CHARACTER)?];
    let length = descriptor.get(attribute::PLAN_JSON, of::CHARACTER, &mut json)?;
    json.truncate(length);
    while json.last() == Some(&0) {
        json.pop();
    }
    Ok(Plan { descriptor, workspace, json, _from: None })
}

fn workspace(plan: &Descriptor) -> Result<i64, String> {
    let mut bytes = [0i64];
    plan.get(attribute::PLAN_WORKSPACE, of::I64, &mut bytes)?;
    Ok(bytes[0])
}

fn size(bytes: i64) -> Result<usize, String> {
    usize::try_from(bytes).map_err(|_| format!("cuDNN's plan wants {bytes} bytes of workspace"))
}

impl Plan {
    /// The kernels that it launches, or the number of its engine where it does not say.
    pub(super) fn name(&self) -> String {
        let json: serde_json::Value = serde_json::from_slice(&self.json).unwrap_or_default();
        let engine = &json["engine"];
        let kernels = engine["payload"]["kernels"].as_array().map(Vec::as_slice).unwrap_or_default();
        let names: Vec<&str> = kernels
            .iter()
            .filter_map(|kernel| kernel["kernelName"].as_str())
            .map(|name| name.trim_start_matches("cudnn_generated_fort_native_"))
            .collect();
        match (names.is_empty(), engine["engineId"].as_i64()) {
            (false, _) => names.join(" + "),
            (true, Some(number)) => format!("engine {number}"),
            (true, None) => "engine of no name".into(),
        }
    }
}
