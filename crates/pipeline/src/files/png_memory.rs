//! Pictures as PNG in memory, for programs that send or store them elsewhere than in a file.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::png::{Picture, check_size, decode, encode};
use crate::error::{Error, Result};
use std::io::Cursor;

impl Picture {
    /// Refuses a picture whose bytes are not as many as its width and height say.
    pub(crate) fn check(&self) -> Result<()> {
        check_size(self).map_err(|value| Error::Request {
            option: "image",
            value,
            remedy: "give 3 bytes a pixel, rows from the top".into(),
        })
    }

    /// The bytes of a PNG file, texts included: what [`super::write_png`] writes.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if `rgb` is not `height * width * 3` bytes or a keyword is not allowed.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        check_size(self).map_err(refuse)?;
        let mut bytes = Vec::new();
        encode(&mut bytes, self).map_err(|error| refuse(error.to_string()))?;
        Ok(bytes)
    }

    /// Reads the bytes of a PNG file, as [`super::read_png`] does.
    ///
    /// # Errors
    ///
    /// [`Error::Picture`] if they are no PNG, are cut short, or have more than 2²⁸ pixels.
    pub fn from_png(bytes: &[u8]) -> Result<Self> {
        decode(Cursor::new(bytes)).map_err(refuse)
    }
}

fn refuse(reason: String) -> Error {
    Error::Picture { path: "(a picture in memory)".into(), reason }
}
