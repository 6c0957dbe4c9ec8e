//! What is chosen on Gaudi, and nowhere else.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// What Gaudi users have beside a model.
#[derive(Args)]
pub(crate) struct GaudiArgs {
    /// A gaudi_config.json, or a folder that holds one [default: that in the model's folder].
    #[arg(long, value_name = "FILE")]
    pub(crate) gaudi_config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) recipes: RecipeArgs,
}

/// What recipes are made of.
#[derive(Args, Clone, Copy)]
pub(crate) struct RecipeArgs {
    /// What attention is on Gaudi [default: fused].
    #[arg(long, value_enum, value_name = "KIND")]
    pub(crate) attention: Option<AttentionArg>,
    /// How much one recipe of Gaudi's holds [default: block; step with --launch lazy].
    #[arg(long, value_enum, value_name = "HOW_MUCH")]
    pub(crate) region: Option<RegionArg>,
}

/// What attention is.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum AttentionArg {
    /// One node that computes probabilities piece by piece.
    Fused,
    /// The same in the node's fast mode, with a softmax of fewer bits.
    Fast,
    /// One node that writes the probabilities to memory.
    Retained,
    /// Products and a softmax.
    Composed,
}

/// How much one recipe holds.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum RegionArg {
    /// A block, or what stands between two calls of blocks.
    Block,
    /// A whole step.
    Step,
}

impl RecipeArgs {
    /// The options that were given.
    pub(crate) fn given(self) -> impl Iterator<Item = &'static str> {
        let options = [("--attention", self.attention.is_some()), ("--region", self.region.is_some())];
        options.into_iter().filter_map(|(name, given)| given.then_some(name))
    }
}

#[cfg(feature = "gaudi")]
mod to {
    use super::{AttentionArg, RegionArg};
    use tintype::gaudi::{AttentionKind, Region};

    impl From<AttentionArg> for AttentionKind {
        fn from(arg: AttentionArg) -> Self {
            match arg {
                AttentionArg::Fused => Self::Fused,
                AttentionArg::Fast => Self::Fast,
                AttentionArg::Retained => Self::Retained,
                AttentionArg::Composed => Self::Composed,
            }
        }
    }

    impl From<RegionArg> for Region {
        fn from(arg: RegionArg) -> Self {
            match arg {
                RegionArg::Block => Self::Block,
                RegionArg::Step => Self::Step,
            }
        }
    }
}
