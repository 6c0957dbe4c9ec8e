//! Nodes to come.

use super::Kind;

pub const KINDS: &[Kind] = &[];
