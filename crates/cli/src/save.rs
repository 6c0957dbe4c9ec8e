//! Pictures on their way to files: each is written as soon as it is done.

use crate::args::ModelArgs;
use crate::names;
use crate::progress::Progress;
use crate::say;
use anyhow::anyhow;
use std::path::{Path, PathBuf};
use tintype::pipeline::files::{self, PictureFormat};
use tintype::{Error, Event, Picture, Result, Watcher};

/// The format of an output, at the quality asked for.
pub(crate) fn format(path: &Path, quality: Option<u8>) -> PictureFormat {
    match (PictureFormat::of(path), quality) {
        (Some(PictureFormat::Jpeg { .. }), Some(quality)) => PictureFormat::Jpeg { quality },
        (format, _) => format.unwrap_or(PictureFormat::Png),
    }
}

/// Watches a run, writes its pictures, and shows its progress.
pub(crate) struct Saver {
    pub(crate) progress: Progress,
    /// Every picture written, in order.
    pub(crate) written: Vec<PathBuf>,
    /// The pictures again, where a sheet of them is wanted.
    pub(crate) sheet: Option<Vec<Picture>>,
    quality: Option<u8>,
    /// Whether the names of files go to standard output.
    names: bool,
    /// Where the run's pictures go, and the number of the first.
    outputs: Vec<PathBuf>,
    first: usize,
}

impl Saver {
    pub(crate) fn new(progress: Progress, quality: Option<u8>, names: bool, grid: bool) -> Self {
        let (sheet, written) = (grid.then(Vec::new), Vec::new());
        Self { progress, written, sheet, quality, names, outputs: Vec::new(), first: 0 }
    }

    /// The files of the run that comes next; `first` is the number of its first picture.
    pub(crate) fn expect(&mut self, outputs: &[PathBuf], first: usize) {
        (self.outputs, self.first) = (outputs.to_vec(), first);
    }

    /// Writes a file that is no picture of the run: a sheet.
    pub(crate) fn write(&mut self, path: &Path, picture: &Picture) -> anyhow::Result<()> {
        files::write_picture(path, picture, format(path, self.quality))?;
        self.progress.finish();
        if self.names {
            say::line(path.display());
        }
        Ok(())
    }

    fn output(&self, index: usize) -> Option<PathBuf> {
        index.checked_sub(self.first).and_then(|place| self.outputs.get(place)).cloned()
    }

    /// What is told of a run that failed. Latents that it leaves are kept beside the output.
    pub(crate) fn failed(&mut self, error: Error, base: &Path, model: &ModelArgs) -> anyhow::Error {
        self.progress.finish();
        let Error::Unfinished { latents, source } = error else { return error.into() };
        let first = self.output(latents.made.picture).unwrap_or_else(|| base.to_path_buf());
        let output = if latents.shape[0] > 1 { base } else { &first };
        let path = names::latents(&first);
        let model: String = model.words().map(|word| format!(" {}", quoted(&word))).collect();
        match files::write_latents(&path, &latents) {
            Ok(()) => anyhow!(
                "{source}\nThe denoised latents are kept. Once the cause is mended, this goes on from them:\n  \
                 tintype decode {}{model} -o {}",
                quoted(&path.to_string_lossy()),
                quoted(&output.to_string_lossy())
            ),
            Err(error) => anyhow!("{source}\nThe denoised latents could not be kept either: {error}"),
        }
    }
}

/// A word for a shell to paste.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+,=".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

impl Watcher for Saver {
    fn event(&mut self, event: Event) {
        if let Event::Preview { picture, preview, .. } = &event
            && let Some(output) = self.output(*picture)
            // A preview that cannot be written is no reason to give up the picture.
            && let Err(error) = files::write_png(&names::preview(&output), preview)
        {
            self.progress.warn(format!("the preview is left out: {error}"));
        }
        self.progress.event(event);
    }

    fn finished(&mut self, index: usize, picture: &Picture) -> Result<()> {
        let path = self.output(index);
        let path = path.ok_or_else(|| Error::Internal { reason: format!("picture {index} has no file") })?;
        files::write_picture(&path, picture, format(&path, self.quality))?;
        // There is none where none was asked for; one that stays is only old.
        let _ = std::fs::remove_file(names::preview(&path));
        self.progress.finish();
        if self.names {
            say::line(path.display());
        }
        if let Some(sheet) = &mut self.sheet {
            sheet.push(picture.clone());
        }
        self.written.push(path);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_can_be_pasted() {
        assert_eq!(quoted("a/b-1.png"), "a/b-1.png");
        assert_eq!(quoted("it's a heart.png"), r"'it'\''s a heart.png'");
        assert_eq!(quoted(""), "''");
    }
}
