//! One picture from tiles that overlap.

use super::Grid;
use crate::flux::sizes::Extents;

/// The planes of a colour picture.
const PLANES: usize = 3;

/// A picture that grows tile by tile, rows from the top, each from the left.
pub(crate) struct Canvas<'g> {
    grid: &'g Grid,
    /// Pixels of a latent pixel.
    scale: usize,
    /// The picture's height and width.
    size: [usize; 2],
    /// `[3, height, width]`.
    values: Vec<f32>,
    /// The tiles of the row above, blended.
    above: Vec<Vec<f32>>,
    /// The tiles of this row so far, blended.
    row: Vec<Vec<f32>>,
}

impl<'g> Canvas<'g> {
    pub(crate) fn new(extents: &Extents, grid: &'g Grid, scale: usize) -> Self {
        let size = [extents.height, extents.width];
        let values = vec![0.0; PLANES * size[0] * size[1]];
        Self { grid, scale, size, values, above: Vec::new(), row: Vec::new() }
    }

    /// Adds the tile of a row and column, `[3, h, w]`. Ramps lead to it first from the tile above, then from that on its
    /// left, both blended themselves. The order matters where four tiles meet, and is diffusers'.
    pub(crate) fn add(&mut self, [row, column]: [usize; 2], mut tile: Vec<f32>) {
        if column == 0 {
            self.above = std::mem::take(&mut self.row);
        }
        let Grid { rows, columns, tile: extents, .. } = self.grid;
        let size = [extents.height, extents.width];
        let top = rows[row] * self.scale;
        let left = columns[column] * self.scale;
        if let (Some(above), Some(before)) = (self.above.get(column), row.checked_sub(1)) {
            let shared = rows[before] * self.scale + size[0] - top;
            blend_down(above, &mut tile, size, shared);
        }
        if let (Some(beside), Some(before)) = (self.row.last(), column.checked_sub(1)) {
            let shared = columns[before] * self.scale + size[1] - left;
            blend_right(beside, &mut tile, size, shared);
        }
        for plane in 0..PLANES {
            for y in 0..size[0] {
                let from = (plane * size[0] + y) * size[1];
                let to = (plane * self.size[0] + top + y) * self.size[1] + left;
                self.values[to..to + size[1]].copy_from_slice(&tile[from..from + size[1]]);
            }
        }
        self.row.push(tile);
    }

    /// The picture, `[3, height, width]`.
    pub(crate) fn finish(self) -> Vec<f32> {
        self.values
    }
}

/// A ramp over the last `shared` rows of `above`, which are the first of `tile`.
fn blend_down(above: &[f32], tile: &mut [f32], [height, width]: [usize; 2], shared: usize) {
    for plane in 0..PLANES {
        for y in 0..shared {
            let from = (plane * height + height - shared + y) * width;
            let to = (plane * height + y) * width;
            let share = y as f32 / shared as f32;
            for (old, new) in above[from..from + width].iter().zip(&mut tile[to..to + width]) {
                *new = old * (1.0 - share) + *new * share;
            }
        }
    }
}

/// A ramp over the last `shared` columns of `left`, which are the first of `tile`.
fn blend_right(left: &[f32], tile: &mut [f32], [_, width]: [usize; 2], shared: usize) {
    for (left, tile) in left.chunks_exact(width).zip(tile.chunks_exact_mut(width)) {
        for (x, (old, new)) in left[width - shared..].iter().zip(tile).enumerate() {
            let share = x as f32 / shared as f32;
            *new = old * (1.0 - share) + *new * share;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiles cut from one picture make that picture again, wherever they lie.
    #[test]
    fn tiles_of_one_picture_are_that_picture() {
        for (width, height) in [(96, 64), (80, 112), (48, 32), (96, 16)] {
            let extents = Extents::new(width, height, 4).unwrap();
            let grid = Grid::new(&extents, 32, 4).unwrap().unwrap();
            let value = |plane: usize, y: usize, x: usize| ((plane * 7 + y) * 131 + x * x) as f32;
            let mut canvas = Canvas::new(&extents, &grid, 4);
            for (row, top) in grid.rows.iter().enumerate() {
                for (column, left) in grid.columns.iter().enumerate() {
                    let mut tile = Vec::new();
                    for plane in 0..PLANES {
                        for y in 0..grid.tile.height {
                            tile.extend(
                                (0..grid.tile.width).map(|x| value(plane, top * 4 + y, left * 4 + x)),
                            );
                        }
                    }
                    canvas.add([row, column], tile);
                }
            }
            let picture = canvas.finish();
            for (at, found) in picture.iter().enumerate() {
                let wanted = value(at / width / height, at / width % height, at % width);
                assert!((found - wanted).abs() <= wanted * 1e-6, "{width} x {height} at {at}");
            }
        }
    }

    #[test]
    fn ramps_are_linear_and_begin_with_the_older_tile() {
        let mut tile = vec![8.0; 3 * 4 * 4];
        blend_right(&[0.0; 3 * 4 * 4], &mut tile, [4, 4], 2);
        assert_eq!(tile[..4], [0.0, 4.0, 8.0, 8.0]);
        let mut tile = vec![8.0; 3 * 4 * 4];
        blend_down(&[0.0; 3 * 4 * 4], &mut tile, [4, 4], 4);
        assert_eq!([tile[0], tile[4], tile[8], tile[12]], [0.0, 2.0, 4.0, 6.0]);
    }
}
