//! Pictures whose files lie about their size or hold texts that swell. Read in memory, as a file is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scratch;

use proptest::prelude::*;
use scratch::{Scratch, assert_told, in_seconds};
use tintype_pipeline::files::{Picture, read_png, write_png};

/// A chunk of a PNG, its checksum right.
fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in kind.iter().chain(content) {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&length[..], kind, content, &(!crc).to_be_bytes()].concat()
}

/// An 8-bit RGB file of this size whose pixels are `data`, deflated already.
fn png(width: u32, height: u32, more: &[u8], data: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let parts = [chunk(b"IHDR", &header), more.to_vec(), chunk(b"IDAT", data), chunk(b"IEND", &[])];
    [b"\x89PNG\r\n\x1a\n".to_vec(), parts.concat()].concat()
}

/// zlib without compression: up to 65,535 bytes.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let (mut a, mut b) = (1u32, 0u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    let length = u16::try_from(bytes.len()).unwrap();
    let sizes = [length.to_le_bytes(), (!length).to_le_bytes()].concat();
    [&[0x78, 1, 1][..], &sizes, bytes, &(b << 16 | a).to_be_bytes()].concat()
}

fn refusal(bytes: &[u8]) -> String {
    in_seconds(20, || Picture::from_png(bytes)).unwrap_err().to_string()
}

#[test]
fn the_maker_of_these_files_makes_sound_ones() {
    let picture =
        Picture::from_png(&png(1, 1, &chunk(b"tEXt", b"seed\x0042"), &stored(&[0, 1, 2, 3]))).unwrap();
    assert_eq!((picture.rgb, picture.text), (vec![1, 2, 3], vec![("seed".into(), "42".into())]));
}

#[test]
fn sizes_that_no_memory_holds() {
    for (width, height) in [(u32::MAX >> 1, u32::MAX >> 1), (1 << 30, 1), (1 << 15, 1 << 15)] {
        assert_told(&refusal(&png(width, height, &[], &stored(&[0; 4]))), &["scale it down"]);
    }
    assert_told(&refusal(&png(0, 1, &[], &stored(&[0; 4]))), &["not a readable PNG"]);
    assert_told(&refusal(&png(u32::MAX, 1, &[], &stored(&[0; 4]))), &["scale it down"]);
}

#[test]
fn fewer_pixels_than_the_size_says() {
    assert_told(&refusal(&png(4000, 4000, &[], &stored(&[0; 4]))), &["PNG"]);
}

/// 64 MiB of zeros, deflated to 64 KiB and that put into a text: what reads it whole needs a thousand times its size.
#[test]
fn a_text_that_swells_is_left_out_and_the_picture_kept() {
    // Deflate: a fixed block with one zero, then lengths of 258 at distance 1, 13 bits for each.
    let mut bits = vec![true, true, false];
    let literal = [false, false, true, true, false, false, false, false];
    bits.extend(literal);
    for _ in 0..(64 << 20) / 258 {
        bits.extend([true, true, false, false, false, true, false, true, false, false, false, false, false]);
    }
    bits.extend([false; 7]);
    let bytes =
        bits.chunks(8).map(|eight| eight.iter().rev().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit)));
    let deflated: Vec<u8> = [0x78, 1].into_iter().chain(bytes).collect();
    let text = [b"bomb\0\x01\0\0\0".to_vec(), deflated].concat();
    let more = [chunk(b"iTXt", &text), chunk(b"iTXt", b"kept\0\0\0\0\0small")].concat();
    let picture = in_seconds(20, || Picture::from_png(&png(1, 1, &more, &stored(&[0, 1, 2, 3])))).unwrap();
    assert_eq!(picture.text, [("kept".to_owned(), "small".to_owned())]);
}

#[test]
fn texts_without_end() {
    let more: Vec<u8> = (0..20_000).flat_map(|i| chunk(b"tEXt", format!("k{i}\0v").as_bytes())).collect();
    let picture = in_seconds(20, || Picture::from_png(&png(1, 1, &more, &stored(&[0, 1, 2, 3])))).unwrap();
    assert_eq!(picture.text.len(), 20_000);
}

#[test]
fn a_device_is_not_read_as_a_picture() {
    #[cfg(unix)]
    {
        let scratch = Scratch::new();
        let path = scratch.path().join("in.png");
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert_told(&in_seconds(5, || read_png(&path)).unwrap_err().to_string(), &["in.png", "PNG"]);
    }
}

#[test]
fn a_picture_whose_bytes_are_not_its_size_is_not_written() {
    let scratch = Scratch::new();
    let path = scratch.path().join("out.png");
    let picture = |width, height, bytes| Picture { width, height, rgb: vec![0; bytes], text: vec![] };
    for picture in [picture(2, 2, 11), picture(0, 0, 0), picture(u32::MAX, u32::MAX, 12), picture(1, 1, 4)] {
        assert_told(&picture.to_png().unwrap_err().to_string(), &["do not make an RGB picture"]);
        assert_told(&write_png(&path, &picture).unwrap_err().to_string(), &["out.png", "do not make"]);
        assert!(!path.exists());
    }
}

proptest! {
    #[test]
    fn every_picture_and_its_texts_come_back(
        (width, height, rgb) in (1u32..9, 1u32..9).prop_flat_map(|(w, h)| {
            (Just(w), Just(h), proptest::collection::vec(any::<u8>(), (w * h * 3) as usize))
        }),
        text in proptest::collection::vec(("[ -~&&[^ ]][ -~&&[^ ]]{0,60}", "\\PC{0,40}"), 0..4),
    ) {
        let picture = Picture { width, height, rgb, text };
        let mut back = Picture::from_png(&picture.to_png().unwrap()).unwrap();
        // The file keeps Latin texts before others.
        let mut sent = picture.clone();
        sent.text.sort();
        back.text.sort();
        prop_assert_eq!(back, sent);
    }
}
