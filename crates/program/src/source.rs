//! Where a parameter's elements come from when it is bound.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::Encoding;
use serde::{Deserialize, Serialize};

/// A recipe for a parameter, evaluated on the host once, when weights are bound. What a pass does to weights (fuse
/// three projections, pad a LoRA slot, quantize) is written here, so that no checkpoint is rewritten.
///
/// The parameter's declared type says the result's dtype and shape; a loaded tensor is converted to that dtype.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum Source {
    /// A tensor of the checkpoint, by its published name.
    Load {
        /// The tensor's name.
        name: String,
    },
    /// Zeros of the declared type.
    Zeros,
    /// Parts joined along an axis: a fused qkv is the concat of three loads.
    Concat {
        /// The axis.
        axis: usize,
        /// The parts, in order.
        parts: Vec<Source>,
    },
    /// A range along an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// First index.
        start: usize,
        /// One past the last index.
        end: usize,
        /// What is cut.
        of: Box<Source>,
    },
    /// The same elements in another shape (a 1 x 1 convolution read as a matrix).
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
        /// What is reshaped.
        of: Box<Source>,
    },
    /// Elements encoded by rounding to the nearest code, scales from the largest magnitude they cover.
    Quantize {
        /// The encoding of the result.
        encoding: Encoding,
        /// What is encoded.
        of: Box<Source>,
    },
}

impl Source {
    /// A tensor of the checkpoint.
    pub fn load(name: impl Into<String>) -> Self {
        Source::Load { name: name.into() }
    }

    /// Calls `visit` with every checkpoint name that the recipe reads.
    pub fn for_each_name<'a>(&'a self, visit: &mut impl FnMut(&'a str)) {
        match self {
            Source::Load { name } => visit(name),
            Source::Zeros => {}
            Source::Concat { parts, .. } => parts.iter().for_each(|part| part.for_each_name(visit)),
            Source::Slice { of, .. } | Source::Reshape { of, .. } | Source::Quantize { of, .. } => {
                of.for_each_name(visit);
            }
        }
    }

    /// The same recipe over other checkpoint names.
    pub fn with_names(self, map: &dyn Fn(&str) -> String) -> Self {
        let inner = |of: Box<Source>| Box::new((*of).with_names(map));
        match self {
            Source::Load { name } => Source::Load { name: map(&name) },
            Source::Zeros => Source::Zeros,
            Source::Concat { axis, parts } => {
                Source::Concat { axis, parts: parts.into_iter().map(|part| part.with_names(map)).collect() }
            }
            Source::Slice { axis, start, end, of } => Source::Slice { axis, start, end, of: inner(of) },
            Source::Reshape { shape, of } => Source::Reshape { shape, of: inner(of) },
            Source::Quantize { encoding, of } => Source::Quantize { encoding, of: inner(of) },
        }
    }
}
