//! Resizing pictures to the byte as Pillow does it, since image-to-image starts from Pillow's pixels: a Lanczos window of
//! three lobes, widened where the picture shrinks, in fixed point, rows first.
//!
//! General resizing crates agree to about one level, which is a thousand times the error of everything that follows.

use crate::files::Picture;

/// Lobes of the window to each side.
const LOBES: f64 = 3.0;
/// Bits behind the point of a weight, so that eight bits of a pixel and two to spare fit an i32.
const PRECISION: u32 = 32 - 8 - 2;

/// The pixels that make one pixel of the result, from the first on, and their weights.
struct Window {
    first: usize,
    weights: Vec<i32>,
}

/// A picture's pixels at another size, three bytes each.
pub(crate) fn resize(picture: &Picture, width: usize, height: usize) -> Vec<u8> {
    let (from_width, from_height) = (picture.width as usize, picture.height as usize);
    let mut rgb = picture.rgb.clone();
    if width != from_width {
        let windows = windows(from_width, width);
        let rows = rgb.chunks_exact(3 * from_width.max(1));
        rgb = rows.flat_map(|row| windows.iter().flat_map(|window| mix(window, |i| 3 * i, row))).collect();
    }
    if height != from_height {
        let stride = 3 * width;
        let columns = |window: &Window, x: usize| mix(window, |i| stride * i + 3 * x, &rgb);
        let windows = windows(from_height, height);
        rgb = windows.iter().flat_map(|w| (0..width).flat_map(move |x| columns(w, x))).collect();
    }
    rgb
}

/// One pixel: those that start at `at(i)` for each `i` of the window, weighted.
fn mix(window: &Window, at: impl Fn(usize) -> usize, bytes: &[u8]) -> [u8; 3] {
    let mut sums = [1i64 << (PRECISION - 1); 3];
    for (i, &weight) in window.weights.iter().enumerate() {
        let start = at(window.first + i);
        for (sum, &byte) in sums.iter_mut().zip(bytes.get(start..start + 3).unwrap_or_default()) {
            *sum += i64::from(byte) * i64::from(weight);
        }
    }
    sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8)
}

fn windows(from: usize, to: usize) -> Vec<Window> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let support = LOBES * stretch;
    let window = |i: usize| {
        let centre = (i as f64 + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let last = ((centre + support + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..last).map(|x| lanczos((x as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| (weight / sum * f64::from(1 << PRECISION)).round() as i32;
        Window { first, weights: weights.iter().map(fixed).collect() }
    };
    (0..to).map(window).collect()
}

fn lanczos(x: f64) -> f64 {
    if x.abs() < LOBES { sinc(x) * sinc(x / LOBES) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    let angle = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { angle.sin() / angle }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gray(width: u32, height: u32, values: &[u8]) -> Picture {
        Picture { width, height, rgb: values.iter().flat_map(|&v| [v; 3]).collect(), text: vec![] }
    }

    #[test]
    fn pixels_are_pillows() {
        // Pillow 13: Image.fromarray(...).resize((5, 2), Image.Resampling.LANCZOS)
        let small = gray(3, 2, &[0, 100, 200, 255, 30, 60]);
        let first: Vec<u8> = resize(&small, 5, 2).chunks(3).map(|p| p[0]).collect();
        assert_eq!(first, PILLOW);
        assert_eq!(resize(&small, 3, 2), small.rgb);
        assert_eq!(resize(&gray(64, 64, &[77; 64 * 64]), 9, 100), vec![77; 9 * 100 * 3]);
    }

    const PILLOW: [u8; 10] = [0, 23, 100, 177, 208, 255, 178, 30, 27, 71];
}
