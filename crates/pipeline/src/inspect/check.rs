//! Whether a model's weights are whole: every file read once, every problem listed.

mod names;
mod scan;

use crate::files::Checkpoint;
use crate::flux::{Flux, FluxModel};
use crate::folder::{ModelFolder, PipelineClass};
use crate::{CancelToken, Result};
pub(super) use names::compare;
use scan::Scan;
use serde::Serialize;
use std::fmt;

/// Something that is wrong with a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Problem {
    /// A file does not open, or contradicts another.
    Unreadable {
        /// What is wrong, where, and what to do.
        reason: String,
    },
    /// A tensor that the model needs is not there.
    Missing {
        /// The component.
        component: String,
        /// The tensor.
        tensor: String,
        /// The shape that it should have.
        shape: Vec<usize>,
    },
    /// A tensor that the model does not use.
    Unused {
        /// The component.
        component: String,
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A tensor of another shape than the model's.
    Shape {
        /// The component.
        component: String,
        /// The tensor.
        tensor: String,
        /// The stored shape.
        found: Vec<usize>,
        /// The shape that it should have.
        wanted: Vec<usize>,
    },
    /// A tensor stored in a dtype that is not read.
    Dtype {
        /// The component.
        component: String,
        /// The tensor.
        tensor: String,
        /// The dtype.
        found: String,
    },
    /// A tensor that holds NaN or infinity.
    NotFinite {
        /// The component.
        component: String,
        /// The tensor.
        tensor: String,
        /// How many elements.
        count: u64,
        /// The first of them, counted in row-major order.
        first: u64,
    },
    /// Nothing but zeros in a whole component: files that were laid out and never filled.
    Empty {
        /// The component.
        component: String,
        /// How many tensors.
        tensors: usize,
    },
}

/// A tensor whose elements are all zero. Trained models have a few, most often biases, so it is no problem by itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AllZero {
    /// The component.
    pub component: String,
    /// The tensor.
    pub tensor: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Checked {
    /// Tensors read.
    pub tensors: usize,
    /// Bytes read.
    pub bytes: u64,
    /// What is wrong: by component, then by tensor.
    pub problems: Vec<Problem>,
    /// Tensors of zeros.
    pub zeros: Vec<AllZero>,
}

/// The components of a Flux folder that have weights, and the names that their files start with.
const COMPONENTS: [(&str, &str); 4] = [
    ("text_encoder", "model"),
    ("text_encoder_2", "model"),
    ("transformer", "diffusion_pytorch_model"),
    ("vae", "diffusion_pytorch_model"),
];

/// Holds every tensor of a model against what its configs ask for, and reads all weights, once, for values that are not
/// finite. `progress` is told how many of how many bytes are read.
///
/// What cannot be opened is a problem like another, and the rest is checked all the same.
///
/// # Errors
///
/// [`crate::Error::Cancelled`]; a component that no device could run.
pub fn check(
    folder: &ModelFolder,
    cancel: &CancelToken,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Checked> {
    let mut checked = Checked::default();
    let opened = match folder.class() {
        PipelineClass::Flux => Flux::open(folder),
    };
    let parts: Vec<(&str, std::sync::Arc<Checkpoint>)> = match opened {
        Ok(flux) => {
            checked.problems.extend(compare(&flux)?);
            flux.parts().into_iter().map(|part| (part.name, part.weights)).collect()
        }
        Err(error) => {
            checked.problems.push(Problem::Unreadable { reason: error.to_string() });
            one_by_one(folder, &mut checked)
        }
    };
    let total = parts.iter().map(|(_, weights)| weights.total_bytes() as u64).sum();
    for (component, weights) in parts {
        let before = checked.bytes;
        let found = scan::all(&weights, cancel, &mut |done| progress(before + done, total))?;
        checked.bytes += weights.total_bytes() as u64;
        checked.tensors += found.len();
        if !found.is_empty() && found.iter().all(|(_, scan)| scan.zero) {
            let (component, tensors) = (component.to_owned(), found.len());
            checked.problems.push(Problem::Empty { component, tensors });
        }
        for (tensor, Scan { not_finite, first, zero }) in found {
            let (component, tensor) = (component.to_owned(), tensor.to_owned());
            if let Some(first) = first {
                checked.problems.push(Problem::NotFinite { component, tensor, count: not_finite, first });
            } else if zero {
                let shape = weights.get(&tensor).map(|view| view.shape.to_vec()).unwrap_or_default();
                checked.zeros.push(AllZero { component, tensor, shape });
            }
        }
    }
    Ok(checked)
}

/// The weights of each component that opens, where the model as a whole does not.
fn one_by_one(
    folder: &ModelFolder,
    checked: &mut Checked,
) -> Vec<(&'static str, std::sync::Arc<Checkpoint>)> {
    let mut parts = Vec::new();
    let mut faults = FluxModel::faults(folder);
    for (name, stem) in COMPONENTS {
        let opened = folder.component(name).and_then(|(_, path)| Checkpoint::open(&path, &[stem]));
        match opened {
            Ok(checkpoint) => parts.push((name, std::sync::Arc::new(checkpoint))),
            Err(error) => faults.push(error),
        }
    }
    for error in faults {
        let problem = Problem::Unreadable { reason: error.to_string() };
        if !checked.problems.contains(&problem) {
            checked.problems.push(problem);
        }
    }
    parts
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Unreadable { reason } => f.write_str(reason),
            Problem::Missing { component, tensor, shape } => {
                write!(f, "{component}: `{tensor}` {shape:?} is missing")
            }
            Problem::Unused { component, tensor, shape } => {
                write!(f, "{component}: `{tensor}` {shape:?} is not used by the model")
            }
            Problem::Shape { component, tensor, found, wanted } => {
                write!(f, "{component}: `{tensor}` has shape {found:?}; the model wants {wanted:?}")
            }
            Problem::Dtype { component, tensor, found } => {
                write!(f, "{component}: `{tensor}` is stored as {found}; f32, f16 and bf16 are read")
            }
            Problem::Empty { component, tensors } => {
                write!(
                    f,
                    "{component}: all {tensors} tensors are zeros: its files were never filled; download them again"
                )
            }
            Problem::NotFinite { component, tensor, count, first } => {
                write!(
                    f,
                    "{component}: `{tensor}` holds {count} values that are not finite, the first at {first}"
                )
            }
        }
    }
}
