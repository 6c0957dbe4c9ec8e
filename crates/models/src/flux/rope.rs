//! Rotary angles of every token (`FluxPosEmbed` of diffusers; RoFormer, Su et al. 2021).

use super::Config;
use crate::{Error, Result};
use std::collections::HashMap;

const THETA: f64 = 10_000.0;
/// The longest sequence a table is made for; far beyond any picture.
const MAX_TOKENS: usize = 1 << 22;

/// Cosines and sines, `[tokens, attention_head_dim]` each, row-major. Elements `2 i` and `2 i + 1` are equal.
#[derive(Clone, Debug, PartialEq)]
pub struct RopeTables {
    /// The cosines.
    pub cos: Vec<f32>,
    /// The sines.
    pub sin: Vec<f32>,
}

/// The tables of `text_tokens` tokens of text, all at the origin, and a picture of `height` by `width` tokens (of 2 by
/// 2 latent pixels each), at `(0, row, column)`.
///
/// Angles are computed in f64 and cosines and sines rounded to f32, as diffusers does.
///
/// # Errors
/// [`Error::Size`] for more tokens than any picture has, [`Error::Config`] for a config that makes no model.
pub fn rope_tables(config: &Config, text_tokens: usize, height: usize, width: usize) -> Result<RopeTables> {
    let tokens = height.saturating_mul(width).saturating_add(text_tokens);
    check(tokens)?;
    let mut positions = vec![[0.0; 3]; text_tokens];
    positions.extend((0..height).flat_map(|y| (0..width).map(move |x| [0.0, y as f64, x as f64])));
    rope_tables_for(config, &positions)
}

/// The tables of tokens at the given positions.
///
/// # Errors
/// As [`rope_tables`].
pub fn rope_tables_for(config: &Config, positions: &[[f64; 3]]) -> Result<RopeTables> {
    config.validate()?;
    check(positions.len())?;
    let frequencies: Vec<Vec<f64>> = config.axes_dims_rope.iter().map(|&d| frequencies(d)).collect();
    let capacity = positions.len().saturating_mul(config.attention_head_dim);
    let (mut cos, mut sin) = (Vec::with_capacity(capacity), Vec::with_capacity(capacity));
    // A row's tokens share one coordinate and a column's another, so few angles are computed and many copied.
    let mut known: Vec<HashMap<u64, RopeTables>> = vec![HashMap::new(); frequencies.len()];
    for position in positions {
        for ((coordinate, frequencies), known) in position.iter().zip(&frequencies).zip(&mut known) {
            let turned =
                known.entry(coordinate.to_bits()).or_insert_with(|| turned(*coordinate, frequencies));
            cos.extend_from_slice(&turned.cos);
            sin.extend_from_slice(&turned.sin);
        }
    }
    Ok(RopeTables { cos, sin })
}

/// The elements of one axis at a coordinate.
fn turned(coordinate: f64, frequencies: &[f64]) -> RopeTables {
    let angles = || frequencies.iter().map(|frequency| coordinate * frequency);
    RopeTables {
        cos: angles().flat_map(|angle| [angle.cos() as f32; 2]).collect(),
        sin: angles().flat_map(|angle| [angle.sin() as f32; 2]).collect(),
    }
}

/// One a pair of `d` elements.
fn frequencies(d: usize) -> Vec<f64> {
    (0..d / 2).map(|i| 1.0 / THETA.powf((2 * i) as f64 / d as f64)).collect()
}

fn check(tokens: usize) -> Result<()> {
    if tokens <= MAX_TOKENS {
        return Ok(());
    }
    let remedy = format!("ask for a smaller picture: at most {MAX_TOKENS} tokens");
    Err(Error::Size { component: "transformer", what: "the number of tokens", value: tokens, remedy })
}
