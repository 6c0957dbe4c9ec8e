//! Failures on request: the n-th call of a function fails, at once or later on its stream.

use std::sync::{Mutex, OnceLock};

use crate::abi::Status;
use crate::state::lock;

/// How a call fails.
#[derive(Clone, Copy)]
pub enum Injected {
    Now(Status),
    /// The call succeeds; its work fails when it runs.
    OnStream(Status),
}

struct Plan {
    function: String,
    /// Calls still to come before it.
    left: u64,
    how: Injected,
}

static PLANS: OnceLock<Mutex<Vec<Plan>>> = OnceLock::new();

fn plans() -> &'static Mutex<Vec<Plan>> {
    PLANS.get_or_init(|| {
        let setting = std::env::var("SYNAPSE_SIM_FAIL").unwrap_or_default();
        Mutex::new(setting.split(',').filter(|entry| !entry.trim().is_empty()).filter_map(parse).collect())
    })
}

/// `synLaunch:2:synFail`: the second call from now. `synLaunch:2:async:synFail`: its work.
fn parse(entry: &str) -> Option<Plan> {
    let parts: Vec<&str> = entry.trim().split(':').collect();
    let (function, nth, on_stream, status) = match parts[..] {
        [function, nth, status] => (function, nth, false, status),
        [function, nth, "async", status] => (function, nth, true, status),
        _ => ("", "", false, ""),
    };
    match (nth.parse::<u64>(), Status::named(status)) {
        (Ok(nth), Some(status)) if nth > 0 => {
            let how = if on_stream { Injected::OnStream(status) } else { Injected::Now(status) };
            Some(Plan { function: function.into(), left: nth, how })
        }
        _ => {
            crate::misuse::note(format!("SYNAPSE_SIM_FAIL: '{entry}' is not function:nth[:async]:status"));
            None
        }
    }
}

/// Adds a plan; false if it is none.
pub fn add(entry: &str) -> bool {
    match parse(entry) {
        Some(plan) => {
            lock(plans()).push(plan);
            true
        }
        None => false,
    }
}

/// Forgets all plans.
pub fn clear() {
    lock(plans()).clear();
}

/// Counts a call of `function` and gives its failure, if its turn has come.
/// A failure on the stream stays until the call fetches it with [`on_stream`].
pub fn take(function: &str) -> Option<Injected> {
    let mut plans = lock(plans());
    let mut due = None;
    for (index, plan) in plans.iter_mut().enumerate() {
        if plan.function == function && plan.left > 0 {
            plan.left -= 1;
            if plan.left == 0 && due.is_none() {
                due = Some(index);
            }
        }
    }
    let index = due?;
    match plans[index].how {
        now @ Injected::Now(_) => {
            plans.remove(index);
            Some(now)
        }
        later => Some(later),
    }
}

/// The failure that the work of the call going on shall have.
pub fn on_stream(function: &str) -> Option<Status> {
    let mut plans = lock(plans());
    let index = plans.iter().position(|plan| plan.function == function && plan.left == 0)?;
    match plans.remove(index).how {
        Injected::Now(status) | Injected::OnStream(status) => Some(status),
    }
}
