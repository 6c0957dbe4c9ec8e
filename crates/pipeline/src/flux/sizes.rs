//! From pixels to latents to tokens.

use crate::{Error, Result};

/// A picture's extents at every stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    /// Pixels.
    pub(crate) width: usize,
    /// Pixels.
    pub(crate) height: usize,
    /// Latent pixels.
    pub(crate) latent_width: usize,
    /// Latent pixels.
    pub(crate) latent_height: usize,
}

/// The widest and highest picture that is made, in pixels.
const LARGEST: usize = 16_384;

impl Extents {
    /// The extents of a picture, for a VAE that shrinks by `scale`. A token is 2 by 2 latent pixels, so both must be
    /// multiples of `2 * scale`.
    pub(crate) fn new(width: usize, height: usize, scale: usize) -> Result<Self> {
        let unit = scale.saturating_mul(2).max(1);
        for (option, value) in [("width", width), ("height", height)] {
            if value == 0 || value % unit != 0 || value > LARGEST {
                let below = (value.min(LARGEST) / unit * unit).max(unit);
                let above = below.saturating_add(unit);
                let nearest = match value {
                    0 => unit.to_string(),
                    value if value > LARGEST => below.to_string(),
                    value if value < unit => below.to_string(),
                    _ => format!("{below} or {above}"),
                };
                let remedy =
                    format!("this model makes multiples of {unit} up to {LARGEST}; the nearest is {nearest}");
                return Err(Error::Request { option, value: value.to_string(), remedy });
            }
        }
        Ok(Self { width, height, latent_width: width / scale, latent_height: height / scale })
    }

    /// Tokens of the picture.
    pub(crate) fn tokens(&self) -> usize {
        (self.latent_width / 2) * (self.latent_height / 2)
    }

    /// Packs `[count, c, h, w]` to `[count, tokens, 4 c]`: a token holds, channel by channel, 2 rows of 2.
    pub(crate) fn pack(&self, latents: &[f32], count: usize, channels: usize) -> Vec<f32> {
        let (h, w) = (self.latent_height, self.latent_width);
        let mut packed = Vec::with_capacity(latents.len());
        for picture in 0..count {
            for y in 0..h / 2 {
                for x in 0..w / 2 {
                    for c in 0..channels {
                        let row = |dy: usize| ((picture * channels + c) * h + 2 * y + dy) * w + 2 * x;
                        for at in [row(0), row(0) + 1, row(1), row(1) + 1] {
                            packed.push(latents.get(at).copied().unwrap_or(0.0));
                        }
                    }
                }
            }
        }
        packed
    }
}

impl Extents {
    /// One picture's tokens as `[c, h, w]`: the way back from [`Extents::pack`].
    pub(crate) fn unpack(&self, packed: &[f32], channels: usize) -> Vec<f32> {
        let (h, w) = (self.latent_height, self.latent_width);
        let mut latents = Vec::with_capacity(packed.len());
        for c in 0..channels {
            for y in 0..h {
                for x in 0..w {
                    let token = (y / 2) * (w / 2) + x / 2;
                    let at = (token * channels + c) * 4 + (y % 2) * 2 + x % 2;
                    latents.push(packed.get(at).copied().unwrap_or(0.0));
                }
            }
        }
        latents
    }
}

impl Extents {
    /// What `[c, h, w]` of these extents holds at `[top, left]`, in latent pixels, of another's: `[c, h, w]` of that.
    pub(crate) fn cut(
        &self,
        latents: &[f32],
        channels: usize,
        [top, left]: [usize; 2],
        tile: &Self,
    ) -> Vec<f32> {
        let mut cut = Vec::with_capacity(channels * tile.latent_height * tile.latent_width);
        for c in 0..channels {
            for y in top..top + tile.latent_height {
                let at = (c * self.latent_height + y) * self.latent_width + left;
                cut.extend_from_slice(latents.get(at..at + tile.latent_width).unwrap_or_default());
            }
        }
        cut
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_cannot_be_made_name_the_nearest() {
        let told = |w, h| Extents::new(w, h, 8).unwrap_err().to_string();
        assert!(told(1000, 1024).contains("992 or 1008"), "{}", told(1000, 1024));
        assert!(told(1024, 0).contains("height is 0") && told(1024, 0).contains("nearest is 16"));
        assert!(told(7, 16).contains("nearest is 16"));
        assert!(told(1_000_000, 16).contains("nearest is 16384"));
        assert_eq!(Extents::new(1024, 768, 8).unwrap().tokens(), 64 * 48);
    }

    #[test]
    fn tokens_hold_squares_of_each_channel() {
        let extents = Extents::new(4, 2, 1).unwrap();
        let latents: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let packed = extents.pack(&latents, 1, 2);
        assert_eq!(packed[..8], [0.0, 1.0, 4.0, 5.0, 8.0, 9.0, 12.0, 13.0]);
        assert_eq!(extents.unpack(&packed, 2), latents);
    }
}
