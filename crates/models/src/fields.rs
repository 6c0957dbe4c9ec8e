//! Checks that configs share. A config is somebody's file: its numbers are bounded before anything is sized by them.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::{Error, Result};
use serde::de::DeserializeOwned;
use std::fmt::Display;

/// More layers than any published model has, few enough to trace in a moment.
pub(crate) const MAX_LAYERS: usize = 1_000;
/// The widest layer, in elements. Products of two widths stay within what a Program may name.
pub(crate) const MAX_WIDTH: usize = 1 << 20;
/// The longest table of embeddings: vocabularies and positions.
pub(crate) const MAX_ROWS: usize = 1 << 24;

/// The longest prompt a text encoder has positions for. A mask has the square of it.
pub(crate) const MAX_POSITIONS: usize = 1 << 13;

/// The model whose config is checked.
pub(crate) struct Fields(pub(crate) &'static str);

impl Fields {
    pub(crate) fn parse<T: DeserializeOwned>(&self, json: &str) -> Result<T> {
        serde_json::from_str(json).map_err(|source| Error::Json { component: self.0, source })
    }

    pub(crate) fn refuse(
        &self,
        field: &'static str,
        value: impl Display,
        remedy: impl Into<String>,
    ) -> Error {
        Error::Config { component: self.0, field, value: brief(value.to_string()), remedy: remedy.into() }
    }

    /// `1..=most`.
    pub(crate) fn count(&self, field: &'static str, value: usize, most: usize) -> Result<()> {
        if (1..=most).contains(&value) {
            return Ok(());
        }
        Err(self.refuse(field, value, format!("it must be from 1 to {most}")))
    }

    /// `0..=most`.
    pub(crate) fn at_most(&self, field: &'static str, value: usize, most: usize) -> Result<()> {
        if value <= most {
            Ok(())
        } else {
            Err(self.refuse(field, value, format!("it must be at most {most}")))
        }
    }

    /// What a norm adds to a variance.
    pub(crate) fn eps(&self, field: &'static str, value: f64) -> Result<()> {
        if value.is_finite() && (0.0..1.0).contains(&value) {
            return Ok(());
        }
        Err(self.refuse(field, value, "it must be at least 0 and below 1"))
    }

    /// A size that a Program is traced for: `1..=most`.
    pub(crate) fn size(&self, what: &'static str, value: usize, most: usize) -> Result<()> {
        if (1..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Size { component: self.0, what, value, remedy: format!("it must be from 1 to {most}") })
    }
}

/// A value as a message shows it: what is long is cut.
fn brief(mut value: String) -> String {
    const MOST: usize = 200;
    if let Some((at, _)) = value.char_indices().nth(MOST) {
        value.truncate(at);
        value.push('…');
    }
    value
}
