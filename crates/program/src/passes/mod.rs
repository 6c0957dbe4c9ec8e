//! Passes: functions from Program to Program, one a file.

mod autocast;
mod common;
mod dead;
mod decompose;
mod fuse_qkv;
mod group;
mod inline;
mod intern;
mod outline;
mod quantize;
mod regions;
mod rewrite;

pub use autocast::{Precision, autocast};
pub use common::eliminate_common;
pub use dead::eliminate_dead;
pub use decompose::decompose;
pub use fuse_qkv::{fuse_linears, fuse_qkv};
pub use group::group_elementwise;
pub use inline::{inline, inline_where};
pub use outline::{Outline, outline};
pub use quantize::quantize;
pub use regions::{Operand, Region, RegionKind, RegionRun, Regions, regions, whole};
