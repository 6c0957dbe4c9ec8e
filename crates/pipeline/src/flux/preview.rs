//! Previews: the denoiser's estimate of the picture without noise, shrunk and decoded while the denoising goes on.

use super::model::FluxModel;
use super::sizes::Extents;
use super::vae::Vae;
use crate::Result;
use crate::files::Picture;
use crate::generate::Run;

/// The longest side of a preview, in latent pixels: 256 pixels for a VAE that shrinks by 8. A decoder's work grows with
/// the area, so a preview of a picture of 1024 by 1024 costs a sixteenth of the picture.
const LONGEST: usize = 32;

/// Decodes packed latents of one picture, averaged down to a preview's size.
pub(crate) fn preview(
    model: &FluxModel,
    vae: &mut Vae,
    run: &mut Run<'_>,
    extents: &Extents,
    packed: &[f32],
) -> Result<Picture> {
    let channels = model.vae.latent_channels;
    let small = shrunk(extents, model.vae.spatial_factor())?;
    let latents = extents.unpack(packed, channels);
    let from = [extents.latent_height, extents.latent_width];
    let averaged = average(&latents, channels, from, [small.latent_height, small.latent_width]);
    vae.decode(model, run, &small, &small.pack(&averaged, 1, channels))
}

/// The extents of a preview: as near to the picture's proportions as whole tokens allow.
fn shrunk(extents: &Extents, scale: usize) -> Result<Extents> {
    let longest = extents.latent_width.max(extents.latent_height);
    if longest <= LONGEST {
        return Ok(*extents);
    }
    let pixels = |side: usize| (side * LONGEST / longest / 2).max(1) * 2 * scale;
    Extents::new(pixels(extents.latent_width), pixels(extents.latent_height), scale)
}

/// Averages `[c, h, w]` down to other extents, none larger: each number is the mean of those that it covers.
fn average(latents: &[f32], channels: usize, from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    if from == to {
        return latents.to_vec();
    }
    let covered = |i: usize, from: usize, to: usize| i * from / to..((i + 1) * from).div_ceil(to);
    let mut averaged = Vec::with_capacity(channels * to[0] * to[1]);
    for c in 0..channels {
        for y in 0..to[0] {
            for x in 0..to[1] {
                let (mut sum, mut count) = (0.0, 0);
                for row in covered(y, from[0], to[0]) {
                    for column in covered(x, from[1], to[1]) {
                        sum += latents.get((c * from[0] + row) * from[1] + column).copied().unwrap_or(0.0);
                        count += 1;
                    }
                }
                averaged.push(sum / count.max(1) as f32);
            }
        }
    }
    averaged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn previews_keep_the_proportions() {
        let of = |width, height| {
            let small = shrunk(&Extents::new(width, height, 8).unwrap(), 8).unwrap();
            (small.width, small.height)
        };
        assert_eq!(of(1024, 1024), (256, 256));
        assert_eq!(of(1024, 512), (256, 128));
        assert_eq!(of(16_384, 16), (256, 16));
        assert_eq!(of(48, 32), (48, 32));
        assert_eq!(of(272, 256), (256, 240));
    }

    #[test]
    fn averages_are_means_of_what_is_covered() {
        let latents: Vec<f32> = (0..12).map(|i| i as f32).collect();
        assert_eq!(average(&latents, 1, [2, 6], [1, 3]), [3.5, 5.5, 7.5]);
        assert_eq!(average(&latents, 2, [2, 3], [2, 3]), latents);
        assert_eq!(average(&latents, 1, [3, 4], [2, 2]), [2.5, 4.5, 6.5, 8.5]);
    }
}
