//! Pictures as WebP, written without loss.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::exif;
use super::png::{MOST_PIXELS, Picture, check_size};
use image_webp::{ColorType, DecodingError, WebPDecoder, WebPEncoder};
use std::io::Cursor;

const LARGEST_SIDE: u32 = 16_383;

pub(super) fn encode(picture: &Picture) -> Result<Vec<u8>, String> {
    check_size(picture)?;
    let Picture { width, height, rgb, text } = picture;
    if *width > LARGEST_SIDE || *height > LARGEST_SIDE {
        return Err(format!(
            "a WebP is at most {LARGEST_SIDE} pixels a side, and this is {width} by {height}; write .png"
        ));
    }
    let mut bytes = Vec::new();
    let mut encoder = WebPEncoder::new(&mut bytes);
    if let Some(exif) = exif::write(text)? {
        encoder.set_exif_metadata(exif);
    }
    encoder.encode(rgb, *width, *height, ColorType::Rgb8).map_err(|error| error.to_string())?;
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let told =
        |error: DecodingError| format!("not a readable WebP file ({error}); convert the picture to PNG");
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(told)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width).saturating_mul(u64::from(height)) > MOST_PIXELS {
        return Err(format!(
            "{width} by {height} pixels are more than are read ({MOST_PIXELS}); scale it down"
        ));
    }
    let mut pixels = vec![0; decoder.output_buffer_size().ok_or("the picture does not fit in memory")?];
    decoder.read_image(&mut pixels).map_err(told)?;
    let rgb = match decoder.has_alpha() {
        true => pixels.chunks_exact(4).flat_map(|pixel| pixel.iter().take(3).copied()).collect(),
        false => pixels,
    };
    let exif = decoder.exif_metadata().ok().flatten();
    let text = exif.map(|exif| exif::read(&exif)).unwrap_or_default();
    let picture = Picture { width, height, rgb, text };
    check_size(&picture)?;
    Ok(picture)
}
