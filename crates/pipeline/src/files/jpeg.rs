//! Pictures as JPEG.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::exif;
use super::png::{MOST_PIXELS, Picture, check_size};
use jpeg_encoder::{ColorType, Encoder};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Bytes of EXIF that one segment of a JPEG holds beside its own header.
const MOST_EXIF: usize = 65_533 - 6;
const LARGEST_SIDE: usize = 65_535;

pub(super) fn encode(picture: &Picture, quality: u8) -> Result<Vec<u8>, String> {
    check_size(picture)?;
    let side = |side: u32| {
        u16::try_from(side).map_err(|_| {
            format!(
                "a JPEG is at most {LARGEST_SIDE} pixels a side, and this is {} by {}; write .png",
                picture.width, picture.height
            )
        })
    };
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality.clamp(1, 100));
    if let Some(exif) = exif::write(&picture.text)? {
        if exif.len() > MOST_EXIF {
            return Err(format!(
                "its texts are {} bytes and a JPEG holds 64 KiB of them; shorten the prompt, or write .png or .webp",
                exif.len()
            ));
        }
        encoder.add_exif_metadata(&exif).map_err(|e| e.to_string())?;
    }
    encoder.encode(&picture.rgb, width, height, ColorType::Rgb).map_err(|e| e.to_string())?;
    Ok(bytes)
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, String> {
    let told = |error| format!("not a readable JPEG file ({error:?}); convert the picture to PNG");
    let options = DecoderOptions::default()
        .jpeg_set_out_colorspace(ColorSpace::RGB)
        .set_max_width(LARGEST_SIDE)
        .set_max_height(LARGEST_SIDE)
        .set_strict_mode(true);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(told)?;
    let info = decoder.info().ok_or("not a readable JPEG file; convert the picture to PNG")?;
    let (width, height) = (u32::from(info.width), u32::from(info.height));
    if u64::from(width).saturating_mul(u64::from(height)) > MOST_PIXELS {
        return Err(format!(
            "{width} by {height} pixels are more than are read ({MOST_PIXELS}); scale it down"
        ));
    }
    let rgb = decoder.decode().map_err(told)?;
    let text = decoder.exif().map(|exif| exif::read(exif)).unwrap_or_default();
    let picture = Picture { width, height, rgb, text };
    check_size(&picture)?;
    Ok(picture)
}
