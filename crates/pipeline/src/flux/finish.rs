//! From denoised latents to finished pictures, without losing what is denoised when that fails.

use super::run::Flux;
use super::sizes::Extents;
use crate::files::{Latents, Picture};
use crate::generate::{Event, Run};
use crate::{Error, Result};

impl Flux {
    /// Decodes latents that were kept when a picture could not be finished.
    pub(crate) fn decode(&mut self, latents: &Latents, run: &mut Run<'_>) -> Result<Vec<Picture>> {
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
        self.finish(run, &extents, latents, &mut finished)?;
        Ok(finished)
    }

    /// Decodes pictures one by one and gives each to the watcher. If that fails, the error holds the latents of all that
    /// are not finished.
    pub(super) fn finish(
        &mut self,
        run: &mut Run<'_>,
        extents: &Extents,
        latents: &Latents,
        finished: &mut Vec<Picture>,
    ) -> Result<()> {
        if latents.values.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { what: "the denoised picture, before decoding," });
        }
        let mut index = 0;
        while let Some((number, values)) = latents.picture(index) {
            match self.finish_one(run, extents, latents, number, values) {
                Ok(picture) => finished.push(picture),
                Err(Error::Cancelled) => return Err(Error::Cancelled),
                Err(source) => {
                    let [pictures, tokens, channels] = latents.shape;
                    let left = Latents {
                        made: latents.made.picture(number),
                        shape: [pictures - index, tokens, channels],
                        values: latents.values.get(index * values.len()..).unwrap_or_default().to_vec(),
                    };
                    return Err(Error::Unfinished { latents: Box::new(left), source: Box::new(source) });
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
        latents: &Latents,
        number: usize,
        values: &[f32],
    ) -> Result<Picture> {
        run.watcher.event(Event::Decoding { picture: number, count: latents.made.settings.count });
        run.cancel.check()?;
        let _span = tracing::info_span!("decode", picture = number).entered();
        let mut picture = self.vae.decode(&self.model, run, extents, values)?;
        picture.text = latents.made.picture(number).texts()?;
        run.watcher.finished(number, &picture)?;
        Ok(picture)
    }
}
