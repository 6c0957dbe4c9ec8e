//! Between packed latents and pictures.

use super::model::FluxModel;
use super::sizes::Extents;
use super::tiles::{Canvas, Grid};
use super::traces::Traced;
use crate::files::Picture;
use crate::generate::{Component, Event, Given, Run, from_picture, to_pixels};
use crate::{Error, Result};
use std::sync::Arc;
use tintype_models::{pack, vae};
use tintype_program::{DType, Program, TensorType};

/// Encoder and decoder. A key is the latent's height and width; both work on one picture at a time.
pub(crate) struct Vae {
    pub(super) decoder: Component<[usize; 2]>,
    encoder: Component<[usize; 2]>,
}

impl Vae {
    pub(crate) fn new(model: &FluxModel) -> Self {
        let of_encoder = |name: &str| name.starts_with("encoder.") || name.starts_with("quant_conv.");
        let of_decoder = |name: &str| name.starts_with("decoder.") || name.starts_with("post_quant_conv.");
        Self {
            decoder: Component::new("vae", model.vae_weights.clone(), of_encoder),
            encoder: Component::new("vae", model.vae_weights.clone(), of_decoder),
        }
    }

    /// The same autoencoder for another pipeline, sharing weights.
    pub(crate) fn share(&self) -> Self {
        Self { decoder: self.decoder.share(), encoder: self.encoder.share() }
    }

    pub(crate) fn components(&self) -> [&Component<[usize; 2]>; 2] {
        [&self.decoder, &self.encoder]
    }

    /// Decodes packed latents of one picture, `[1, tokens, channels]`.
    pub(crate) fn decode(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
        latents: &[f32],
    ) -> Result<Picture> {
        let values = self.decoded(model, run, extents, latents)?;
        picture(run, extents, &values)
    }

    /// As [`Vae::decode`], in tiles. `number` is the picture's in its run.
    pub(crate) fn decode_tiles(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
        grid: &Grid,
        number: usize,
        latents: &[f32],
    ) -> Result<Picture> {
        let (channels, scale) = (model.vae.latent_channels, model.vae.spatial_factor());
        let latents = extents.unpack(latents, channels);
        let mut canvas = Canvas::new(extents, grid, scale);
        let (mut done, total) = (0, grid.tiles.count());
        for (row, &top) in grid.rows.iter().enumerate() {
            for (column, &left) in grid.columns.iter().enumerate() {
                run.cancel.check()?;
                let tile = extents.cut(&latents, channels, [top, left], &grid.tile);
                let packed = grid.tile.pack(&tile, 1, channels);
                let mut values = self.decoded(model, run, &grid.tile, &packed)?;
                // As many planes as a picture has, whatever the decoder gives.
                values.resize(3 * grid.tile.width * grid.tile.height, 0.0);
                canvas.add([row, column], values);
                done += 1;
                run.watcher.event(Event::Tile { picture: number, done, total });
            }
        }
        picture(run, extents, &canvas.finish())
    }

    /// Runs the decoder at these extents: `[1, out_channels, height, width]`.
    fn decoded(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
        latents: &[f32],
    ) -> Result<Vec<f32>> {
        let key = [extents.latent_height, extents.latent_width];
        let (place, dtype) = (run.place, run.arithmetic.dtype);
        let stage = self.decoder.stage(&key, run, || decode_program(model, extents, dtype))?;
        let outputs = stage.call(place, 0, &[("latents", Given::Values(latents))])?;
        let Some(image) = outputs.first() else {
            return Err(Error::Internal { reason: "the decoder gives one output".into() });
        };
        place.get(image)
    }

    /// Encodes a picture to a sample of its posterior, shifted and scaled as the denoiser sees latents, `[c, h, w]`.
    /// `draw` gives the noise of the sample.
    pub(crate) fn encode(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
        picture: &Picture,
        draw: &[f32],
    ) -> Result<Vec<f32>> {
        let pixels = from_picture(picture, extents.width, extents.height);
        let key = [extents.latent_height, extents.latent_width];
        let (config, place, dtype) = (&model.vae, run.place, run.arithmetic.dtype);
        let stage = self.encoder.stage(&key, run, || encode_program(model, extents, dtype))?;
        let outputs = stage.call(place, 0, &[("image", Given::Values(&pixels))])?;
        let [mean, std] = outputs.as_slice() else {
            return Err(Error::Internal { reason: "the encoder gives two outputs".into() });
        };
        let (mean, std) = (place.get(mean)?, place.get(std)?);
        let sample: Vec<f32> = mean.iter().zip(&std).zip(draw).map(|((m, s), d)| m + s * d).collect();
        if run.watcher.wants_tensors() {
            let shape = [1, config.latent_channels, extents.latent_height, extents.latent_width];
            run.watcher.tensor("vae.sample", &shape, &sample);
        }
        let (shift, scale) = (config.shift() as f32, config.scaling_factor as f32);
        Ok(sample.iter().map(|v| (v - shift) * scale).collect())
    }
}

/// The decoder's values as a picture.
fn picture(run: &mut Run<'_>, extents: &Extents, values: &[f32]) -> Result<Picture> {
    let Extents { width, height, .. } = *extents;
    if run.watcher.wants_tensors() {
        let shape = [1, values.len() / (width * height).max(1), height, width];
        run.watcher.tensor("vae.decode_output", &shape, values);
    }
    let side = |pixels: usize| {
        u32::try_from(pixels).map_err(|_| Error::Internal { reason: "a picture beyond 2^32 pixels".into() })
    };
    let rgb = to_pixels(values, width, height)?;
    Ok(Picture { width: side(width)?, height: side(height)?, rgb, text: Vec::new() })
}

/// A picture to its posterior.
pub(crate) fn encode_program(model: &FluxModel, extents: &Extents, dtype: DType) -> Result<Arc<Program>> {
    let shape = [1, extents.height, extents.width];
    let trace = || Ok(vae::encoder_program(&model.vae, model.vae_names(), shape, dtype)?);
    model.traces.find(Traced::Encoder([extents.latent_height, extents.latent_width], dtype), trace)
}

/// Unpacking, unscaling, decoding.
pub(crate) fn decode_program(model: &FluxModel, extents: &Extents, dtype: DType) -> Result<Arc<Program>> {
    let sides = [extents.latent_height, extents.latent_width];
    model.traces.find(Traced::Decoder(sides, dtype), || decoder(model, extents, dtype))
}

fn decoder(model: &FluxModel, extents: &Extents, dtype: DType) -> Result<Program> {
    let config = &model.vae;
    config.validate()?;
    let (h, w) = (extents.latent_height, extents.latent_width);
    Ok(Program::trace("flux_decode", |scope| {
        let scope = &scope.with_dtype(dtype);
        let tokens = [1, extents.tokens(), config.latent_channels.saturating_mul(4)];
        let packed = scope.input("latents", TensorType::new(dtype, tokens))?;
        let latents = pack::unpack(&packed, h, w)?.cast(DType::F32)?;
        let latents = (&(&latents / config.scaling_factor)? + config.shift())?.cast(dtype)?;
        let image = vae::decoder(scope, config, model.vae_names(), &latents)?;
        scope.output("image", &image.cast(DType::F32)?)
    })?)
}
