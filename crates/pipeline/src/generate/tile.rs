//! Whether pictures are decoded whole or in tiles.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How latents are decoded to pixels. A tile is decoded as if it were a picture, so tiles need less memory and give
/// slightly other pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaeTile {
    /// Whole where the device's free memory allows it, else in the largest tiles that it allows.
    #[default]
    Auto,
    /// Whole, whatever it takes.
    Off,
    /// In square tiles of so many pixels a side; a picture that is no larger is decoded whole.
    Pixels(usize),
}

impl FromStr for VaeTile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            _ => text.parse().map(Self::Pixels).map_err(|_| {
                format!("`{text}` is no tile; give a side in pixels, such as 512, or auto or off")
            }),
        }
    }
}

impl fmt::Display for VaeTile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Off => f.write_str("off"),
            Self::Pixels(side) => side.fmt(f),
        }
    }
}

/// How a picture is cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Tiles {
    /// The side that tiles have, in pixels; along a shorter side of the picture they are as long as that.
    pub side: usize,
    /// Pixels that neighbours share at least.
    pub overlap: usize,
    /// Tiles from left to right.
    pub columns: usize,
    /// Tiles from top to bottom.
    pub rows: usize,
}

impl Tiles {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.columns.saturating_mul(self.rows)
    }
}

impl fmt::Display for Tiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { side, overlap, columns, rows } = self;
        write!(f, "{columns} x {rows} tiles of {side} pixels that overlap by {overlap}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_read_as_they_are_written() {
        for tile in [VaeTile::Auto, VaeTile::Off, VaeTile::Pixels(512)] {
            assert_eq!(tile.to_string().parse(), Ok(tile));
        }
        for wrong in ["", "on", "-64", "64px", "1e3"] {
            assert!(wrong.parse::<VaeTile>().unwrap_err().contains("auto"), "{wrong}");
        }
    }
}
