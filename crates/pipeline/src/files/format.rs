//! Which kind of file a picture is: by the extension when it is written, by the first bytes when it is read.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::png::Picture;
use super::{jpeg, png, webp};
use crate::error::{Error, Result};
use std::fs;
use std::path::Path;

/// The quality of a JPEG where none is asked for. Fine enough that the noise of a picture survives.
pub const JPEG_QUALITY: u8 = 95;

/// A kind of picture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PictureFormat {
    /// PNG: without loss, with texts of any length.
    Png,
    /// JPEG at a quality from 1 to 100: small, with loss, and with at most 64 KiB of texts.
    Jpeg {
        /// 100 keeps most.
        quality: u8,
    },
    /// WebP, always without loss: smaller than PNG, slower to write, at most 16,383 pixels a side.
    WebP,
}

impl PictureFormat {
    /// The extensions that are known, for messages.
    pub const EXTENSIONS: &str = ".png, .jpg, .jpeg or .webp";

    /// The format that `path`'s extension names, in any case; JPEG at [`JPEG_QUALITY`]. None for another extension,
    /// and for none.
    pub fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "png" => Some(PictureFormat::Png),
            "jpg" | "jpeg" => Some(PictureFormat::Jpeg { quality: JPEG_QUALITY }),
            "webp" => Some(PictureFormat::WebP),
            _ => None,
        }
    }

    /// The format of a file with these first bytes.
    fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', ..] => Some(PictureFormat::Png),
            [0xff, 0xd8, 0xff, ..] => Some(PictureFormat::Jpeg { quality: JPEG_QUALITY }),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(PictureFormat::WebP),
            _ => None,
        }
    }
}

/// Writes `picture` in `format` through a temporary file ([`super::write_beside`]).
///
/// The texts go with it: chunks of a PNG ([`super::write_png`]); in JPEG and WebP, `parameters` as EXIF's
/// `UserComment`, `tintype` as its `MakerNote` and `Software` as `Software`, and no others.
///
/// # Errors
///
/// [`Error::Picture`] if `rgb` is not `height * width * 3` bytes, or the picture or its texts are too large for the
/// format; [`Error::Write`].
pub fn write_picture(path: &Path, picture: &Picture, format: PictureFormat) -> Result<()> {
    let _span = tracing::debug_span!("write", path = %path.display()).entered();
    let encoded = match format {
        PictureFormat::Png => return png::write_png(path, picture),
        PictureFormat::Jpeg { quality } => jpeg::encode(picture, quality),
        PictureFormat::WebP => webp::encode(picture),
    };
    let bytes = encoded.map_err(|reason| Error::Picture { path: path.to_path_buf(), reason })?;
    super::write_beside(path, |writer| writer.write_all(&bytes))
}

/// Reads a PNG, JPEG or WebP file, whatever its name, as 8-bit RGB with the texts that [`write_picture`] keeps.
///
/// Alpha is dropped without blending, as [`super::read_png`] does. A JPEG is taken as it is stored: a rotation that
/// its EXIF asks for is not applied.
///
/// # Errors
///
/// [`Error::Read`]; [`Error::Picture`] for what is none of the three, is damaged, or has more than 2²⁸ pixels.
pub fn read_picture(path: &Path) -> Result<Picture> {
    let bytes = fs::read(path).map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    from_bytes(&bytes).map_err(|reason| Error::Picture { path: path.to_path_buf(), reason })
}

fn from_bytes(bytes: &[u8]) -> Result<Picture, String> {
    match PictureFormat::sniff(bytes) {
        Some(PictureFormat::Png) => png::decode(std::io::Cursor::new(bytes)),
        Some(PictureFormat::Jpeg { .. }) => jpeg::decode(bytes),
        Some(PictureFormat::WebP) => webp::decode(bytes),
        None => Err("not a PNG, JPEG or WebP file; convert the picture to one of them".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    fn picture(text: &[(&str, &str)]) -> Picture {
        let rgb = (0..48u32 * 32).flat_map(|i| [(i % 48 * 5) as u8, (i / 48 * 7) as u8, 90]).collect();
        let text = text.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Picture { width: 48, height: 32, rgb, text }
    }

    fn there_and_back(name: &str, picture: &Picture) -> Picture {
        let scratch = Scratch::new();
        let path = scratch.path().join(name);
        write_picture(&path, picture, PictureFormat::of(&path).unwrap()).unwrap();
        read_picture(&path).unwrap()
    }

    #[test]
    fn texts_survive_every_format() {
        let text =
            [("Software", "tintype"), ("parameters", "a red ❤\nSteps: 2"), ("tintype", "{\"seed\":7}")];
        let picture = picture(&text);
        for name in ["a.png", "a.PNG", "a.jpg", "a.jpeg", "a.webp"] {
            let mut back = there_and_back(name, &picture);
            back.text.sort();
            assert_eq!(back.text, picture.text, "{name}");
            assert_eq!((back.width, back.height), (48, 32));
        }
        assert_eq!(there_and_back("a.webp", &picture).rgb, picture.rgb);
    }

    #[test]
    fn a_jpeg_is_near_and_nearer_at_a_higher_quality() {
        let picture = picture(&[]);
        let scratch = Scratch::new();
        let mut last = f64::INFINITY;
        for quality in [20, 60, 95] {
            let path = scratch.path().join("a.jpg");
            write_picture(&path, &picture, PictureFormat::Jpeg { quality }).unwrap();
            let back = read_picture(&path).unwrap();
            let square = |(a, b): (&u8, &u8)| (f64::from(*a) - f64::from(*b)).powi(2);
            let error = back.rgb.iter().zip(&picture.rgb).map(square).sum::<f64>() / back.rgb.len() as f64;
            assert!(error < last, "{quality}: {error} after {last}");
            last = error;
        }
        assert!(last.sqrt() < 3.0, "{last}");
    }

    #[test]
    fn what_does_not_fit_is_refused_before_a_file_is_touched() {
        let scratch = Scratch::new();
        let long = picture(&[("parameters", &"x".repeat(70_000))]);
        let path = scratch.path().join("a.jpg");
        let told = write_picture(&path, &long, PictureFormat::Jpeg { quality: 90 }).unwrap_err().to_string();
        assert!(told.contains("64 KiB") && told.contains(".png"), "{told}");
        assert_eq!(there_and_back("a.webp", &long).text[0].1.len(), 70_000);
        let wide = Picture { width: 16_384, height: 1, rgb: vec![0; 16_384 * 3], text: vec![] };
        assert!(write_picture(&path, &wide, PictureFormat::WebP).unwrap_err().to_string().contains("16383"));
        let wrong = Picture { width: 2, height: 2, rgb: vec![0; 3], text: vec![] };
        for format in [PictureFormat::Jpeg { quality: 90 }, PictureFormat::WebP, PictureFormat::Png] {
            assert!(matches!(write_picture(&path, &wrong, format), Err(Error::Picture { .. })));
        }
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn names_without_a_known_extension_have_no_format() {
        for name in ["out", "out.gif", "out.", ".png", "out.png.part"] {
            assert_eq!(PictureFormat::of(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn damaged_files_are_told_and_nothing_panics() {
        let whole = picture(&[("parameters", "a red heart"), ("tintype", "{}")]);
        let jpeg = jpeg::encode(&whole, 80).unwrap();
        let webp = webp::encode(&whole).unwrap();
        for bytes in [&jpeg, &webp] {
            assert!(from_bytes(bytes).is_ok());
            for end in (0..bytes.len()).step_by(7) {
                let _ = from_bytes(&bytes[..end]);
            }
            let mut seed = 1u32;
            for _ in 0..400 {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let mut damaged = bytes.clone();
                let at = seed as usize % damaged.len();
                damaged[at] ^= (seed >> 24) as u8 | 1;
                let _ = from_bytes(&damaged);
            }
        }
        assert!(from_bytes(&webp[..webp.len() / 2]).is_err());
        assert!(from_bytes(b"GIF89a").unwrap_err().contains("PNG, JPEG or WebP"));
    }
}
