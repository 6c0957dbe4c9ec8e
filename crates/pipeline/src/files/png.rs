//! Pictures as PNG: written with the text that says what made them, read as 8-bit RGB.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::beside::write_beside;
use crate::error::{Error, Result};
use png::text_metadata::ITXtChunk;
use png::{BitDepth, ColorType, Decoder, DecodingError, Encoder, EncodingError, Transformations};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::path::Path;

/// Pictures of more pixels are refused when read: 16,384 by 16,384.
pub(super) const MOST_PIXELS: u64 = 1 << 28;

/// A compressed text that is longer than this, in bytes, is not read.
const MOST_TEXT: usize = 1 << 24;

/// An 8-bit RGB picture, with the text that its file carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Rows from the top, pixels from the left, three bytes a pixel: `height * width * 3` bytes.
    pub rgb: Vec<u8>,
    /// Keywords and texts, in the file's order; keywords are 1 to 79 Latin-1 characters.
    pub text: Vec<(String, String)>,
}

/// Writes `picture` to `path` through a temporary file ([`write_beside`]).
///
/// ASCII texts become `tEXt` chunks and others `iTXt`, both uncompressed; a NUL in a text, which PNG cannot hold,
/// becomes U+FFFD.
///
/// # Errors
///
/// [`Error::Picture`] if `rgb` is not `height * width * 3` bytes or a keyword is not allowed; [`Error::Write`].
pub fn write_png(path: &Path, picture: &Picture) -> Result<()> {
    check_size(picture).map_err(|reason| refuse(path, reason))?;
    let mut refused = None;
    let written = write_beside(path, |writer| match encode(writer, picture) {
        Ok(()) => Ok(()),
        Err(EncodingError::IoError(error)) => Err(error),
        Err(other) => {
            refused = Some(other.to_string());
            Err(io::Error::other("the picture cannot be encoded"))
        }
    });
    match refused {
        Some(reason) => Err(refuse(path, reason)),
        None => written,
    }
}

/// Refuses bytes that are not as many as width and height say.
pub(super) fn check_size(picture: &Picture) -> Result<(), String> {
    let Picture { width, height, rgb, .. } = picture;
    let expected = u64::from(*width).checked_mul(u64::from(*height)).and_then(|pixels| pixels.checked_mul(3));
    match expected {
        Some(expected) if expected > 0 && rgb.len() as u64 == expected => Ok(()),
        _ => Err(format!("{} bytes do not make an RGB picture of {width} by {height}", rgb.len())),
    }
}

pub(super) fn encode(writer: &mut dyn Write, picture: &Picture) -> Result<(), EncodingError> {
    let mut encoder = Encoder::new(writer, picture.width, picture.height);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    for (keyword, text) in &picture.text {
        let text = text.replace('\0', "\u{fffd}");
        if text.is_ascii() {
            encoder.add_text_chunk(keyword.clone(), text)?;
        } else {
            encoder.add_itxt_chunk(keyword.clone(), text)?;
        }
    }
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgb)?;
    writer.finish()
}

/// Reads a PNG as 8-bit RGB, as PIL's `Image.open(path).convert("RGB")` does.
///
/// Palettes and gray are expanded, alpha and transparent colours are dropped without blending, of 16 bits the high
/// eight are kept. One difference is deliberate: PIL clips 16-bit gray at 255, which makes nearly all of it white.
///
/// # Errors
///
/// [`Error::Read`] if the file cannot be opened; [`Error::Picture`] if it is no PNG, is cut short, or has more than
/// 2²⁸ pixels.
pub fn read_png(path: &Path) -> Result<Picture> {
    let file = File::open(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    decode(BufReader::new(file)).map_err(|reason| refuse(path, reason))
}

pub(super) fn decode(reader: impl BufRead + Seek) -> Result<Picture, String> {
    let told = |error: DecodingError| match error {
        DecodingError::IoError(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "the PNG file is cut short".to_owned()
        }
        DecodingError::LimitsExceeded => {
            "it needs more memory than a picture is given; scale it down".to_owned()
        }
        other => format!("not a readable PNG file ({other}); convert the picture to PNG"),
    };
    let mut decoder = Decoder::new(reader);
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(told)?;
    let (width, height) = reader.info().size();
    if u64::from(width).saturating_mul(u64::from(height)) > MOST_PIXELS {
        return Err(format!(
            "{width} by {height} pixels are more than are read ({MOST_PIXELS}); scale it down"
        ));
    }
    let size = reader.output_buffer_size().ok_or("the picture does not fit in memory")?;
    let mut buffer = vec![0; size];
    reader.next_frame(&mut buffer).map_err(told)?;
    let channels = reader.output_color_type().0.samples();
    let colour = if channels < 3 { &[0, 0, 0][..] } else { &[0, 1, 2][..] };
    let rgb = buffer.chunks_exact(channels.max(1));
    let rgb = rgb.flat_map(|pixel| colour.iter().filter_map(|&i| pixel.get(i).copied())).collect();
    // Text may also come after the pixels; a file that ends badly there still has its picture.
    let _ = reader.finish();
    Ok(Picture { width, height, rgb, text: texts(reader.info()) })
}

fn texts(info: &png::Info<'_>) -> Vec<(String, String)> {
    let latin = info.uncompressed_latin1_text.iter().map(|chunk| (chunk.keyword.clone(), chunk.text.clone()));
    let unicode = info.utf8_text.iter();
    latin.chain(unicode.filter_map(|chunk| Some((chunk.keyword.clone(), unpacked(chunk)?)))).collect()
}

/// The text of a chunk, which may be compressed: a few bytes may stand for gigabytes, and then are left.
fn unpacked(chunk: &ITXtChunk) -> Option<String> {
    let mut chunk = chunk.clone();
    chunk.decompress_text_with_limit(MOST_TEXT).ok()?;
    chunk.get_text().ok()
}

fn refuse(path: &Path, reason: String) -> Error {
    Error::Picture { path: path.to_path_buf(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    /// A PNG of one row in any format, stored uncompressed.
    fn raw(
        width: u32,
        depth: BitDepth,
        color: ColorType,
        row: &[u8],
        palette: Option<(&[u8], &[u8])>,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = Encoder::new(&mut bytes, width, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if let Some((palette, transparency)) = palette {
            encoder.set_palette(palette.to_vec());
            encoder.set_trns(transparency.to_vec());
        }
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(row).unwrap();
        writer.finish().unwrap();
        bytes
    }

    #[test]
    fn a_picture_and_its_text_come_back() {
        let scratch = Scratch::new();
        let path = scratch.path().join("heart.png");
        let text = vec![("seed".to_owned(), "42".to_owned()), ("prompt".to_owned(), "a red ❤\0".to_owned())];
        let picture = Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6], text };
        write_png(&path, &picture).unwrap();
        let back = read_png(&path).unwrap();
        assert_eq!((back.width, back.height, &back.rgb), (2, 1, &picture.rgb));
        assert_eq!(back.text[0], picture.text[0]);
        assert_eq!(back.text[1].1, "a red ❤\u{fffd}");
    }

    /// The expected values are PIL 13's `convert("RGB")` of the same bytes.
    #[test]
    fn every_format_becomes_rgb() {
        let scratch = Scratch::new();
        use BitDepth::{Eight, One, Sixteen};
        use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        let wide = [0x12, 0x34, 0xff, 0x80, 0x00, 0xff];
        let cases: Vec<(Vec<u8>, Vec<u8>)> = vec![
            (raw(1, Sixteen, Rgb, &wide, None), vec![18, 255, 0]),
            (raw(3, One, Grayscale, &[0b1010_0000], None), [[255; 3], [0; 3], [255; 3]].concat()),
            (raw(2, Eight, GrayscaleAlpha, &[10, 0, 200, 128], None), vec![10, 10, 10, 200, 200, 200]),
            (raw(2, Eight, Rgba, &[10, 20, 30, 0, 1, 2, 3, 128], None), vec![10, 20, 30, 1, 2, 3]),
            (raw(2, Eight, Indexed, &[0, 1], Some((&[1, 2, 3, 4, 5, 6], &[0, 128]))), vec![1, 2, 3, 4, 5, 6]),
        ];
        for (index, (bytes, rgb)) in cases.into_iter().enumerate() {
            let path = scratch.file("case.png", bytes);
            assert_eq!(read_png(&path).unwrap().rgb, rgb, "case {index}");
        }
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let scratch = Scratch::new();
        let jpeg = scratch.file("photo.png", b"\xff\xd8\xff\xe0 a jpeg");
        assert!(read_png(&jpeg).unwrap_err().to_string().contains("convert the picture to PNG"));
        let noisy: Vec<u8> = (0..3000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let whole = raw(1000, BitDepth::Eight, ColorType::Rgb, &noisy, None);
        let cut = scratch.file("cut.png", &whole[..whole.len() / 2]);
        let told = read_png(&cut).unwrap_err().to_string();
        assert!(told.contains("cut short"), "{told}");
        let path = scratch.path().join("bad.png");
        let picture = Picture { width: 2, height: 2, rgb: vec![0; 3], text: vec![] };
        assert!(write_png(&path, &picture).is_err());
        let picture =
            Picture { width: 1, height: 1, rgb: vec![0; 3], text: vec![("k".repeat(80), "".into())] };
        assert!(matches!(write_png(&path, &picture), Err(Error::Picture { .. })));
        assert!(!path.exists());
    }
}
