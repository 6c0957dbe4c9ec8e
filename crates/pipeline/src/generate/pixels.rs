//! Between pictures and the numbers a VAE takes and gives.

use super::resize::resize;
use crate::files::Picture;
use crate::{Error, Result};

/// A picture as `[3, height, width]` in -1 to 1, resized where it has another size (Lanczos, as Pillow's).
pub(crate) fn from_picture(picture: &Picture, width: usize, height: usize) -> Vec<f32> {
    let resized = resize(picture, width, height);
    let plane = width * height;
    let mut values = vec![0.0; 3 * plane];
    for (i, pixel) in resized.chunks_exact(3).enumerate().take(plane) {
        for (c, &byte) in pixel.iter().enumerate() {
            // In the order that diffusers rounds in: to 0..1, then to -1..1.
            values[c * plane + i] = 2.0 * (f32::from(byte) / 255.0) - 1.0;
        }
    }
    values
}

/// `[3, height, width]` in -1 to 1 as 8-bit pixels, rounded as diffusers rounds: to nearest, ties to even.
///
/// # Errors
///
/// [`Error::NotFinite`] for a picture that holds NaN or infinity.
pub(crate) fn to_pixels(values: &[f32], width: usize, height: usize) -> Result<Vec<u8>> {
    if values.iter().any(|v| !v.is_finite()) {
        return Err(Error::NotFinite { what: "the decoded picture" });
    }
    let plane = width * height;
    let pixel = |i: usize| {
        [0, 1, 2].map(|c| {
            let value = values.get(c * plane + i).copied().unwrap_or(0.0);
            ((value * 0.5 + 0.5).clamp(0.0, 1.0) * 255.0).round_ties_even() as u8
        })
    };
    Ok((0..plane).flat_map(pixel).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_survive_the_way_there_and_back() {
        let rgb: Vec<u8> = (0..4 * 2 * 3).map(|i| (i * 10) as u8).collect();
        let picture = Picture { width: 4, height: 2, rgb: rgb.clone(), text: vec![] };
        let values = from_picture(&picture, 4, 2);
        assert_eq!(to_pixels(&values, 4, 2).unwrap(), rgb);
        assert!(to_pixels(&[f32::NAN; 24], 4, 2).is_err());
    }
}
