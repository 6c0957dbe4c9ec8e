//! Several pictures on one.

use super::png::Picture;
use crate::error::{Error, Result};

/// The colour between pictures, and of cells that no picture fills.
const PAPER: u8 = 32;

/// A contact sheet: `pictures` in rows of `columns`, in reading order, `gap` pixels apart and at the edges. A cell is as
/// large as the largest picture; smaller ones lie in its upper left corner. The sheet has no texts.
///
/// # Errors
///
/// [`Error::Picture`] for no picture or no column, a sheet beyond 2²⁸ pixels, and a picture whose bytes are not as many
/// as its extents say.
pub fn contact_sheet(pictures: &[Picture], columns: usize, gap: usize) -> Result<Picture> {
    let refuse = |reason: &str| Error::Picture { path: "(contact sheet)".into(), reason: reason.into() };
    let largest = |side: fn(&Picture) -> u32| pictures.iter().map(side).max().unwrap_or(0) as usize;
    let (cell_width, cell_height) = (largest(|p| p.width), largest(|p| p.height));
    let columns = columns.min(pictures.len());
    if columns == 0 || cell_width == 0 || cell_height == 0 {
        return Err(refuse("it needs pictures and columns"));
    }
    let extent = |cells: usize, cell: usize| {
        cell.checked_add(gap)?
            .checked_mul(cells)?
            .checked_add(gap)
            .and_then(|pixels| u32::try_from(pixels).ok())
    };
    let width = extent(columns, cell_width);
    let height = extent(pictures.len().div_ceil(columns), cell_height);
    let (Some(width), Some(height)) = (width, height) else {
        return Err(refuse("it is too large; make several"));
    };
    if u64::from(width).saturating_mul(u64::from(height)) > super::png::MOST_PIXELS {
        return Err(refuse(&format!("{width} by {height} pixels are too many; make several")));
    }
    let stride = width as usize * 3;
    let mut rgb = vec![PAPER; stride * height as usize];
    for (i, picture) in pictures.iter().enumerate() {
        super::png::check_size(picture).map_err(|reason| refuse(&reason))?;
        let x = gap + (i % columns) * (cell_width + gap);
        let y = gap + (i / columns) * (cell_height + gap);
        for (row, pixels) in picture.rgb.chunks_exact(picture.width as usize * 3).enumerate() {
            let start = (y + row) * stride + x * 3;
            if let Some(place) = rgb.get_mut(start..start + pixels.len()) {
                place.copy_from_slice(pixels);
            }
        }
    }
    Ok(Picture { width, height, rgb, text: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32, value: u8) -> Picture {
        Picture { width, height, rgb: vec![value; (width * height * 3) as usize], text: vec![] }
    }

    #[test]
    fn pictures_lie_in_rows_with_gaps() {
        let pictures = [picture(2, 1, 1), picture(2, 1, 2), picture(2, 1, 3)];
        let sheet = contact_sheet(&pictures, 2, 1).unwrap();
        assert_eq!((sheet.width, sheet.height), (7, 5));
        let red: Vec<u8> = sheet.rgb.iter().step_by(3).copied().collect();
        let p = PAPER;
        let rows = [[p; 7], [p, 1, 1, p, 2, 2, p], [p; 7], [p, 3, 3, p, p, p, p], [p; 7]];
        assert_eq!(red, rows.concat());
        assert_eq!(contact_sheet(&pictures[..1], 9, 0).unwrap().rgb, pictures[0].rgb);
    }

    #[test]
    fn what_makes_no_sheet_is_refused() {
        assert!(contact_sheet(&[], 2, 1).is_err());
        assert!(contact_sheet(&[picture(1, 1, 0)], 0, 1).is_err());
        assert!(contact_sheet(&[picture(1, 1, 0)], 1, usize::MAX).is_err());
        assert!(contact_sheet(&[picture(1, 1, 0)], 1, 1 << 20).is_err());
        let wrong = Picture { width: 2, height: 2, rgb: vec![0; 3], text: vec![] };
        assert!(contact_sheet(&[wrong], 1, 0).is_err());
    }
}
