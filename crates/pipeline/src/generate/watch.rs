//! What a caller hears while pictures are made, and how it stops the work.

use super::tile::Tiles;
use crate::files::Picture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Something that happened, or is about to.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A model is on its way from the Hub. Told once a megabyte or so.
    Downloading {
        /// The file, within its repository.
        file: String,
        /// Bytes of all files that are there.
        done: u64,
        /// Bytes of all files; grows where the Hub does not tell sizes in advance.
        total: u64,
    },
    /// Weights of a component are on their way to the device.
    Loading {
        /// The component, as its folder is called.
        component: &'static str,
        /// Bytes there.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A Program is compiled. Once a stage and shape.
    Compiling {
        /// The stage.
        stage: &'static str,
    },
    /// A prompt was too long for a text encoder.
    Truncated {
        /// The encoder, as its folder is called.
        encoder: &'static str,
        /// Its limit, in tokens.
        limit: usize,
        /// The words that it does not see.
        removed: String,
    },
    /// Prompts are encoded.
    Encoding,
    /// A denoising step is done.
    Step {
        /// Steps done for these pictures.
        done: usize,
        /// Steps in all.
        total: usize,
        /// The first picture of the batch.
        first: usize,
        /// Pictures in the batch.
        batch: usize,
    },
    /// A picture is decoded.
    Decoding {
        /// Which, from 0.
        picture: usize,
        /// Of how many.
        count: usize,
    },
    /// The pictures of this run are decoded in tiles, which gives slightly other pixels than decoding them whole. Told
    /// once, before the first.
    Tiled {
        /// The tiles.
        tiles: Tiles,
        /// Bytes that decoding a whole picture would take; none where tiles were asked for by their size.
        needed: Option<u64>,
        /// Bytes that were free for it.
        free: Option<u64>,
    },
    /// A tile is decoded.
    Tile {
        /// Of which picture, from 0.
        picture: usize,
        /// Tiles done of this picture.
        done: usize,
        /// Tiles in all.
        total: usize,
    },
    /// The device did something in another way than it was asked to, where that is not an error
    /// ([`tintype_accel::OpenOptions::strict`]). Told when the run ends.
    Fallback {
        /// What, as a sentence without its full stop.
        what: String,
    },
    /// What a picture looks like so far: the denoiser's estimate of it without noise, decoded. Only where it was asked
    /// for ([`crate::Request::preview`]).
    Preview {
        /// Which picture, from 0.
        picture: usize,
        /// Steps done for it.
        done: usize,
        /// Steps in all.
        total: usize,
        /// The picture in its proportions, at most 256 pixels a side.
        preview: Arc<Picture>,
    },
}

/// A caller's eyes on a run. Closures over [`Event`] are watchers.
pub trait Watcher {
    /// Is told of every event, on the thread that generates.
    fn event(&mut self, event: Event);

    /// Is given each picture as soon as it is done, with the texts of its file; `index` counts the run's pictures from
    /// 0. They are all in [`crate::Generated`] too.
    ///
    /// # Errors
    ///
    /// An error, of a file that cannot be written for instance, ends the run with [`crate::Error::Unfinished`], which
    /// holds the latents.
    fn finished(&mut self, index: usize, picture: &Picture) -> crate::Result<()> {
        let _ = (index, picture);
        Ok(())
    }

    /// Whether [`Watcher::tensor`] should be called. Each call waits for the device, so a watched run is slower.
    fn wants_tensors(&self) -> bool {
        false
    }

    /// Is shown an intermediate result: `clip.pooled`, `latents_step_0` and so on, with its shape.
    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let _ = (name, shape, values);
    }
}

impl<F: FnMut(Event)> Watcher for F {
    fn event(&mut self, event: Event) {
        self(event);
    }
}

/// Stops a run from another thread. Clones stop the same run.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<AtomicBool>);

impl CancelToken {
    /// Asks the run to stop: it does so before its next step or tile, and returns [`crate::Error::Cancelled`].
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it was asked to.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// An error once it was asked to.
    pub(crate) fn check(&self) -> crate::Result<()> {
        if self.is_cancelled() { Err(crate::Error::Cancelled) } else { Ok(()) }
    }
}
