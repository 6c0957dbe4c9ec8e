//! From denoised latents to finished pictures, without losing what is denoised when that fails.

use super::run::Flux;
use super::sizes::Extents;
use super::tiles::{Decoding, Grid};
use crate::files::{Latents, Picture};
use crate::generate::{Event, Run, Settings, VaeTile};
use crate::{Error, Result};

impl Flux {
    /// Decodes latents that were kept when a picture could not be finished.
    pub(crate) fn decode(
        &mut self,
        latents: &Latents,
        tile: VaeTile,
        run: &mut Run<'_>,
    ) -> Result<(Settings, Vec<Picture>)> {
        let settings = &latents.made.settings;
        let extents = Extents::new(settings.width, settings.height, self.model.vae.spatial_factor())?;
        let channels = self.model.vae.latent_channels.saturating_mul(4);
        let [pictures, tokens, _] = latents.shape;
        let wanted = [pictures, extents.tokens(), channels];
        let numbers = pictures.checked_mul(tokens).and_then(|n| n.checked_mul(channels));
        if pictures == 0 || latents.shape != wanted || numbers != Some(latents.values.len()) {
            let value = format!("{:?} of {} numbers", latents.shape, latents.values.len());
            let remedy =
                format!("this model decodes {wanted:?}; give latents that it denoised, or its model");
            return Err(Error::Request { option: "latents", value, remedy });
        }
        let mut finished = Vec::with_capacity(pictures);
        let mut latents = latents.clone();
        self.finish(run, &extents, &mut latents, &mut Decoding::Asked(tile), &mut finished)?;
        Ok((latents.made.settings, finished))
    }

    /// Decodes pictures one by one and gives each to the watcher. If that fails, the error holds the latents of all that
    /// are not finished. The first call of a run decides whether in tiles, and the record of the latents says it.
    pub(super) fn finish(
        &mut self,
        run: &mut Run<'_>,
        extents: &Extents,
        latents: &mut Latents,
        decoding: &mut Decoding,
        finished: &mut Vec<Picture>,
    ) -> Result<()> {
        if latents.values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { what: "the denoised picture, before decoding," });
        }
        let grid = match decoding {
            Decoding::Decided(grid) => Ok(grid.clone()),
            Decoding::Asked(tile) => self.vae.decide(&self.model, run, extents, *tile),
        };
        let grid = grid.map_err(|source| unfinished(latents, 0, latents.made.picture, source))?;
        latents.made.settings.vae_tile = grid.as_ref().map(|grid| grid.tiles.side);
        *decoding = Decoding::Decided(grid.clone());
        let mut index = 0;
        while let Some((number, values)) = latents.picture(index) {
            match self.finish_one(run, extents, grid.as_ref(), latents, number, values) {
                Ok(picture) => finished.push(picture),
                Err(source) => {
                    let source = self.vae.explain(&self.model, run, extents, grid.as_ref(), source);
                    return Err(unfinished(latents, index, number, source));
                }
            }
            index += 1;
        }
        Ok(())
    }

    fn finish_one(
        &mut self,
        run: &mut Run<'_>,
        extents: &Extents,
        grid: Option<&Grid>,
        latents: &Latents,
        number: usize,
        values: &[f32],
    ) -> Result<Picture> {
        run.watcher.event(Event::Decoding { picture: number, count: latents.made.pictures() });
        run.cancel.check()?;
        let _span = tracing::info_span!("decode", picture = number).entered();
        let mut picture = match grid {
            Some(grid) => self.vae.decode_tiles(&self.model, run, extents, grid, number, values)?,
            None => self.vae.decode(&self.model, run, extents, values)?,
        };
        picture.text = latents.made.picture(number).texts()?;
        run.watcher.finished(number, &picture)?;
        Ok(picture)
    }
}

/// The error of a picture that could not be finished, with its latents and those behind it. One that was cancelled is
/// given up.
fn unfinished(latents: &Latents, index: usize, number: usize, source: Error) -> Error {
    if matches!(source, Error::Cancelled) {
        return source;
    }
    let [pictures, tokens, channels] = latents.shape;
    let left = Latents {
        made: latents.made.from_picture(number),
        shape: [pictures.saturating_sub(index), tokens, channels],
        values: latents.values.get(index * tokens * channels..).unwrap_or_default().to_vec(),
    };
    Error::Unfinished { latents: Box::new(left), source: Box::new(source) }
}
