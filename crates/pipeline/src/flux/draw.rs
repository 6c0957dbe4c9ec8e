//! Where the denoising starts: the order of draws from the one generator of a run.

use super::model::FluxModel;
use super::sizes::Extents;
use super::vae::Vae;
use crate::files::Picture;
use crate::generate::Run;
use crate::random::{Generator, NoiseDtype};
use crate::scheduler::mix_noise;
use crate::{Error, Result};

/// What the first latents are made from.
pub(crate) struct Start<'s> {
    /// A generator each.
    pub(crate) seeds: &'s [u64],
    pub(crate) noise_dtype: NoiseDtype,
    /// Pictures of each seed.
    pub(crate) count: usize,
    /// A picture, and the noise level that the schedule starts at.
    pub(crate) image: Option<(&'s Picture, f32)>,
    /// Packed latents, in place of all that.
    pub(crate) given: Option<&'s [f32]>,
}

/// The first latents of all pictures, packed: `[pictures, tokens, channels]`.
///
/// From noise, one draw serves all pictures of a seed. From a picture, its posterior's noise is drawn first, once, and then
/// the noise that is mixed in, for all pictures of the seed.
pub(crate) fn first_latents(
    model: &FluxModel,
    vae: &mut Vae,
    run: &mut Run<'_>,
    extents: &Extents,
    start: &Start<'_>,
) -> Result<Vec<f32>> {
    let channels = model.vae.latent_channels;
    let latent = channels * extents.latent_height * extents.latent_width;
    if let Some(given) = start.given {
        let pictures = start.count * start.seeds.len();
        if given.len() != latent * pictures {
            let value = format!("{} numbers", given.len());
            let remedy = format!("{pictures} pictures of this size have {}", latent * pictures);
            return Err(Error::Request { option: "latents", value, remedy });
        }
        return Ok(given.to_vec());
    }
    let mut packed = Vec::new();
    for &seed in start.seeds {
        let mut generator = Generator::new(seed);
        let Some((picture, sigma)) = start.image else {
            let noise = generator.randn(start.noise_dtype, latent * start.count);
            packed.extend(extents.pack(&noise, start.count, channels));
            continue;
        };
        let draw = generator.randn(start.noise_dtype, latent);
        let noise = generator.randn(start.noise_dtype, latent * start.count);
        let clean = vae.encode(model, run, extents, picture, &draw)?;
        let mixed: Vec<f32> =
            noise.chunks(latent.max(1)).flat_map(|noise| mix_noise(&clean, noise, sigma)).collect();
        packed.extend(extents.pack(&mixed, start.count, channels));
    }
    Ok(packed)
}
