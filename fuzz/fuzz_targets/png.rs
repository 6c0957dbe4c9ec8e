//! A picture and its texts: what is read can be written, and comes back.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tintype_fuzz::told;
use tintype_pipeline::files::Picture;

fuzz_target!(|data: &[u8]| {
    let Some(picture) = told(Picture::from_png(data)) else { return };
    let bytes = u64::from(picture.width) * u64::from(picture.height) * 3;
    assert_eq!(picture.rgb.len() as u64, bytes);
    let Some(png) = told(picture.to_png()) else { return };
    let again = Picture::from_png(&png).expect("what was written");
    assert_eq!((again.width, again.height, &again.rgb), (picture.width, picture.height, &picture.rgb));
    assert_eq!(again.text.len(), picture.text.len());
});
