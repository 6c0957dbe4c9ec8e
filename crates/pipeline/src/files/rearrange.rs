//! The same bytes under other names: tensors of another layout as views of the stored ones, nothing copied.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::checkpoint::{Checkpoint, Entry};
use crate::error::{Error, Result, brief};
use std::ops::Range;
use std::sync::OnceLock;

/// A tensor that is made of a stored one.
pub(crate) struct View {
    /// Its name.
    pub(crate) name: String,
    /// Which part of the stored tensor it is.
    pub(crate) part: Part,
}

/// A part of a stored tensor. Rows are along the first axis, so their bytes follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it.
    Whole,
    /// Some rows.
    Rows(Range<usize>),
    /// All rows, the second half first. Put together in memory when it is first read.
    HalvesSwapped,
    /// All of it, without the last two axes, which have one element each: a 1 by 1 convolution as a matrix.
    Matrix,
}

impl Checkpoint {
    /// The tensors that `views` gives for each stored one, by name and shape. Two of one name are refused.
    pub(crate) fn rearranged(self, views: impl Fn(&str, &[usize]) -> Result<Vec<View>>) -> Result<Self> {
        let place = self.place().to_path_buf();
        let bad = |reason: String| Error::BadWeights { path: place.clone(), reason };
        self.map_tensors(|name, stored, out| {
            for view in views(name, &stored.shape)? {
                let entry =
                    cut(stored, &view.part).map_err(|why| bad(format!("tensor `{}` {why}", brief(name))))?;
                if out.insert(view.name.clone(), entry).is_some() {
                    return Err(bad(format!(
                        "two tensors make `{}`, `{}` one of them",
                        brief(&view.name),
                        brief(name)
                    )));
                }
            }
            Ok(())
        })
    }
}

fn cut(stored: &Entry, part: &Part) -> Result<Entry, String> {
    let Entry { file, ref range, dtype, ref shape, .. } = *stored;
    let whole = Entry { file, range: range.clone(), dtype, shape: shape.clone(), swapped: None };
    let rows = shape.first().copied().unwrap_or(0);
    let misfit = |what: &str| format!("has shape {shape:?}, of which {what} cannot be taken");
    match part {
        Part::Whole => Ok(whole),
        Part::Rows(wanted) => {
            let what = format!("rows {} to {}", wanted.start, wanted.end);
            if wanted.start > wanted.end || wanted.end > rows || !range.len().is_multiple_of(rows.max(1)) {
                return Err(misfit(&what));
            }
            let bytes = range.len().checked_div(rows).unwrap_or(0);
            let mut shape = shape.clone();
            if let Some(first) = shape.first_mut() {
                *first = wanted.len();
            }
            // Within the stored range, which lies inside the file.
            let at = |row: usize| row.checked_mul(bytes).and_then(|offset| offset.checked_add(range.start));
            match (at(wanted.start), at(wanted.end)) {
                (Some(start), Some(end)) => Ok(Entry { range: start..end, shape, ..whole }),
                _ => Err(misfit(&what)),
            }
        }
        Part::HalvesSwapped if rows > 0 && rows.is_multiple_of(2) && range.len().is_multiple_of(2) => {
            Ok(Entry { swapped: Some(OnceLock::new()), ..whole })
        }
        Part::HalvesSwapped => Err(misfit("two halves")),
        Part::Matrix => match shape.as_slice() {
            [rows, columns, 1, 1] => Ok(Entry { shape: vec![*rows, *columns], ..whole }),
            // Some tools save the matrix already.
            [_, _] => Ok(whole),
            _ => Err(misfit("a matrix")),
        },
    }
}
