//! A picture into memory: no file is written.
//!
//! ```sh
//! cargo run --release --example picture_in_memory -- MODEL_FOLDER > heart.png
//! ```

use std::error::Error;
use std::io::Write;
use std::path::Path;
use tintype::{CancelToken, Pipeline, PipelineOptions, Request, Steps};

/// The bytes of a PNG file, with the settings that made it among its texts.
pub fn picture(model: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let device = tintype::backends().open("auto", None, &Default::default())?.accelerator;
    let mut pipeline = Pipeline::open(model, device, PipelineOptions::default())?;
    let request = Request {
        prompt: "a red heart".into(),
        width: Some(64),
        height: Some(64),
        steps: Some(Steps::Count(2)),
        max_sequence_length: Some(64),
        seed: 7,
        ..Request::default()
    };
    let made = pipeline.generate(&request, &mut |_| {}, &CancelToken::default())?;
    let picture = made.pictures.first().ok_or("one picture was asked for")?;
    // `picture.rgb` holds the pixels themselves: rows from the top, three bytes a pixel.
    assert_eq!(picture.rgb.len(), 64 * 64 * 3);
    Ok(picture.to_png()?)
}

#[allow(dead_code, reason = "a test runs `picture` alone")]
fn main() -> Result<(), Box<dyn Error>> {
    let model = std::env::args_os().nth(1).ok_or("give a model folder")?;
    std::io::stdout().write_all(&picture(Path::new(&model))?)?;
    Ok(())
}
