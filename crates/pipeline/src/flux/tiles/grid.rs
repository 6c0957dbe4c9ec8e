//! Where tiles lie.

use crate::flux::sizes::Extents;
use crate::generate::Tiles;
use crate::{Error, Result};

/// The smallest tile, in latent pixels.
const SMALLEST: usize = 8;

/// The tiles of a picture, all of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// What is told of them.
    pub(crate) tiles: Tiles,
    /// The extents of each.
    pub(crate) tile: Extents,
    /// Where each row begins, in latent pixels.
    pub(crate) rows: Vec<usize>,
    /// Where each column begins, in latent pixels.
    pub(crate) columns: Vec<usize>,
}

impl Grid {
    /// The tiles of `side` pixels of a picture, for a VAE that shrinks by `scale`; none where one would be the whole
    /// picture.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] for a side that no tile has.
    pub(crate) fn new(extents: &Extents, side: usize, scale: usize) -> Result<Option<Self>> {
        let unit = scale.saturating_mul(2).max(1);
        let least = SMALLEST.saturating_mul(scale);
        if side < least || !side.is_multiple_of(unit) {
            let below = (side / unit * unit).max(least);
            let remedy = match side < least {
                true => format!("tiles of this model have {least} pixels a side or more"),
                false => format!(
                    "tiles of this model are multiples of {unit}; the nearest are {below} and {}",
                    below.saturating_add(unit)
                ),
            };
            return Err(Error::Request { option: "vae-tile", value: side.to_string(), remedy });
        }
        if extents.width.max(extents.height) <= side {
            return Ok(None);
        }
        let tile = Extents::new(extents.width.min(side), extents.height.min(side), scale)?;
        let nominal = side / scale;
        // As diffusers rounds: a quarter of the tile, or a little more.
        let stride = nominal * 3 / 4;
        let rows = starts(extents.latent_height, tile.latent_height, stride);
        let columns = starts(extents.latent_width, tile.latent_width, stride);
        let overlap = (nominal - stride) * scale;
        let tiles = Tiles { side, overlap, columns: columns.len(), rows: rows.len() };
        Ok(Some(Self { tiles, tile, rows, columns }))
    }
}

/// Where tiles begin along one axis; the last is moved inward.
fn starts(extent: usize, tile: usize, stride: usize) -> Vec<usize> {
    let last = extent.saturating_sub(tile);
    (0..last).step_by(stride.max(1)).chain([last]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(width: usize, height: usize, side: usize) -> Result<Option<Grid>> {
        Grid::new(&Extents::new(width, height, 8).unwrap(), side, 8)
    }

    #[test]
    fn tiles_cover_the_picture_and_the_last_is_moved_inward() {
        let grid = grid(1024, 1024, 512).unwrap().unwrap();
        assert_eq!(grid.columns, [0, 48, 64]);
        assert_eq!(grid.tiles.to_string(), "3 x 3 tiles of 512 pixels that overlap by 128");
        for (extent, tile) in [(9, 8), (14, 8), (15, 8), (128, 64), (200, 96), (8, 8), (100, 10)] {
            let stride = tile * 3 / 4;
            let starts = starts(extent, tile, stride);
            assert_eq!(starts[0], 0);
            assert_eq!(starts.last().unwrap() + tile, extent);
            assert!(starts.windows(2).all(|pair| pair[0] < pair[1] && pair[1] - pair[0] <= stride));
        }
    }

    #[test]
    fn a_tile_that_holds_the_picture_is_none() {
        assert!(grid(512, 256, 512).unwrap().is_none());
        assert!(grid(512, 256, 4096).unwrap().is_none());
        let narrow = grid(512, 64, 256).unwrap().unwrap();
        assert_eq!((narrow.tile.width, narrow.tile.height, narrow.rows.as_slice()), (256, 64, &[0][..]));
    }

    #[test]
    fn sides_that_no_tile_has_are_refused_with_what_would_do() {
        let told = |side| grid(1024, 1024, side).unwrap_err().to_string();
        assert!(told(100).contains("vae-tile is 100") && told(100).contains("96 and 112"), "{}", told(100));
        assert!(told(48).contains("64 pixels a side or more"), "{}", told(48));
        assert!(told(0).contains("64 pixels"));
        assert!(told(usize::MAX).contains("multiples of 16"));
    }
}
