//! The texts of a picture as EXIF, for formats that have no text chunks of their own.
//!
//! `parameters` is where other tools look for it: in `UserComment`, whose first eight bytes name its encoding
//! (EXIF 2.32, 4.6.5). `tintype` is in `MakerNote`, the tag that is left to whoever made the picture, behind the name
//! `tintype` and a NUL. Others than these and `Software` have no place.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use exif::experimental::Writer;
use exif::{Exif, Field, In, Reader, Tag, Value};
use std::io::Cursor;

const UNICODE: &[u8] = b"UNICODE\0";
const ASCII: &[u8] = b"ASCII\0\0\0";
const MAKER: &[u8] = b"tintype\0";

/// The EXIF block of these texts; none where there is nothing to say.
pub(super) fn write(texts: &[(String, String)]) -> Result<Option<Vec<u8>>, String> {
    let field = |tag, value| Field { tag, ifd_num: In::PRIMARY, value };
    let fields: Vec<Field> = texts
        .iter()
        .filter_map(|(keyword, text)| match keyword.as_str() {
            // NUL ends an ASCII value, and others than ASCII are not allowed in it.
            "Software" => {
                let ascii = text.bytes().filter(|byte| byte.is_ascii() && *byte != 0).collect();
                Some(field(Tag::Software, Value::Ascii(vec![ascii])))
            }
            "parameters" => Some(field(Tag::UserComment, Value::Undefined(comment(text), 0))),
            "tintype" => {
                let note = [MAKER, text.as_bytes()].concat();
                Some(field(Tag::MakerNote, Value::Undefined(note, 0)))
            }
            _ => None,
        })
        .collect();
    if fields.is_empty() {
        return Ok(None);
    }
    let mut writer = Writer::new();
    for field in &fields {
        writer.push_field(field);
    }
    let mut bytes = Cursor::new(Vec::new());
    // Big-endian, since readers take the byte order of `UNICODE` from the block, or take it to be big.
    writer.write(&mut bytes, false).map_err(|error| error.to_string())?;
    Ok(Some(bytes.into_inner()))
}

fn comment(text: &str) -> Vec<u8> {
    let units = text.encode_utf16().flat_map(u16::to_be_bytes);
    UNICODE.iter().copied().chain(units).collect()
}

/// The texts in an EXIF block. What cannot be read is left out: a damaged note does not damage the picture.
pub(super) fn read(block: &[u8]) -> Vec<(String, String)> {
    let Ok(exif) = Reader::new().read_raw(block.to_vec()) else { return Vec::new() };
    let little = exif.little_endian();
    let undefined = |tag| match value(&exif, tag) {
        Some(Value::Undefined(bytes, _)) => Some(bytes.as_slice()),
        _ => None,
    };
    let software = match value(&exif, Tag::Software) {
        Some(Value::Ascii(lines)) => lines.first().map(|line| String::from_utf8_lossy(line).into_owned()),
        _ => None,
    };
    let parameters = undefined(Tag::UserComment).and_then(|bytes| uncomment(bytes, little));
    let made = undefined(Tag::MakerNote)
        .and_then(|bytes| bytes.strip_prefix(MAKER))
        .and_then(|text| String::from_utf8(text.to_vec()).ok());
    let texts = [("Software", software), ("parameters", parameters), ("tintype", made)];
    texts.into_iter().filter_map(|(keyword, text)| Some((keyword.to_owned(), text?))).collect()
}

fn value(exif: &Exif, tag: Tag) -> Option<&Value> {
    exif.get_field(tag, In::PRIMARY).map(|field| &field.value)
}

fn uncomment(bytes: &[u8], little: bool) -> Option<String> {
    if let Some(text) = bytes.strip_prefix(ASCII) {
        return Some(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned());
    }
    let text = bytes.strip_prefix(UNICODE)?;
    let units = |little: bool| -> Vec<u16> {
        let unit = |pair: &[u8]| match *pair {
            [a, b] if little => u16::from_le_bytes([a, b]),
            [a, b] => u16::from_be_bytes([a, b]),
            _ => 0,
        };
        text.chunks_exact(2).map(unit).collect()
    };
    // Writers disagree on the byte order in a little-endian block. Text of one order read in the other has few of the
    // spaces and letters that every text has, so the reading with more of them is right.
    let plain = |units: &[u16]| units.iter().filter(|unit| (0x20..0x7f).contains(*unit)).count();
    let (first, second) = (units(little), units(!little));
    let best = if plain(&second) > plain(&first) { second } else { first };
    Some(String::from_utf16_lossy(&best))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_other_writers_are_read() {
        let little: Vec<u8> = "a red heart".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "a red heart".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (units, block_is_little) in [(&little, true), (&big, true), (&big, false), (&little, false)] {
            let bytes = [UNICODE, units].concat();
            assert_eq!(uncomment(&bytes, block_is_little).unwrap(), "a red heart");
        }
        assert_eq!(uncomment(b"ASCII\0\0\0a red heart\0", true).unwrap(), "a red heart");
        assert_eq!(uncomment(b"JIS\0\0\0\0\0abc", true), None);
    }

    #[test]
    fn other_texts_and_other_makers_are_left_out() {
        assert_eq!(write(&[("title".into(), "x".into())]).unwrap(), None);
        assert!(read(b"MM\0\x2a\0\0\0\x08").is_empty());
        assert!(read(b"").is_empty());
    }
}
