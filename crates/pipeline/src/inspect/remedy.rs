//! What would fit, where something does not.

use super::forecast::{Fit, Forecast, forecast};
use crate::error::amount;
use crate::flux::{Flux, LEAST, SIDES};
use crate::{Arithmetic, Quantization, Request, VaeTile};
use serde::Serialize;
use std::fmt;
use tintype_accel::{Accelerator, LaunchMode};
use tintype_program::DType;

/// Other settings that would fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alternative {
    /// The options of the command line.
    pub options: String,
    /// The most bytes held at once, mapped weights aside.
    pub peak: u64,
    /// Whether weights will be read from disk again and again.
    pub rereads: bool,
}

impl fmt::Display for Alternative {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.options, amount(self.peak))?;
        f.write_str(if self.rereads { ", and weights read from disk in every step)" } else { ")" })
    }
}

/// The largest share of the size asked for is tried first.
const SHARES: [f64; 4] = [0.75, 0.5, 0.25, 0.125];

/// Alternatives in a sentence; none where there are none.
pub(crate) fn listed(verb: &str, others: &[Alternative]) -> Option<String> {
    let offers: Vec<String> = others.iter().map(ToString::to_string).collect();
    (!offers.is_empty()).then(|| format!("{verb} {}", offers.join(", or with ")))
}

/// What would fit into what is free, and into `most` bytes, if that is less: a shorter dtype, quantized weights, one picture at a time, another
/// launch mode, other tiles, a smaller picture; each by itself. Only plans are made, so it takes milliseconds each.
pub(crate) fn alternatives(
    flux: &Flux,
    request: &Request,
    accelerator: &dyn Accelerator,
    arithmetic: Arithmetic,
    launch: LaunchMode,
    most: Option<u64>,
) -> Vec<Alternative> {
    let plan = |request: &Request, arithmetic, launch| {
        forecast(flux, request, accelerator, arithmetic, launch, None, most).ok()
    };
    let mut found = Vec::new();
    let mut offer = |options: String, planned: Option<Forecast>| {
        let fitting = planned.filter(|planned| matches!(planned.fit, Fit::Fits | Fit::Rereads));
        if let Some(Forecast { peak, fit, .. }) = fitting {
            found.push(Alternative { options, peak, rereads: fit == Fit::Rereads });
            return true;
        }
        false
    };
    let known = &accelerator.device().capabilities;
    // What the weights are stored in loses nothing; bf16 is what models are published in.
    let shorter = |other: &DType| other.size() < arithmetic.dtype.size() && known.dtypes.contains(other);
    if let Some(shorter) = [flux.stored_dtype(), DType::Bf16].into_iter().find(shorter) {
        offer(
            format!("--dtype {shorter}"),
            plan(request, Arithmetic { dtype: shorter, ..arithmetic }, launch),
        );
    }
    if arithmetic.quantize.is_none() {
        let quantization = Quantization::Fp8Row;
        let smaller = Arithmetic { quantize: Some(quantization), ..arithmetic };
        offer(format!("--quantize {quantization}"), plan(request, smaller, launch));
    }
    if request.batch_size.unwrap_or(1) > 1 {
        let single = Request { batch_size: Some(1), ..request.clone() };
        offer("--batch-size 1".into(), plan(&single, arithmetic, launch));
    }
    for mode in known.launch.iter().filter(|mode| **mode != launch) {
        offer(format!("--launch {mode}"), plan(request, arithmetic, *mode));
    }
    for tile in other_tiles(flux, request, arithmetic) {
        let tiled = Request { vae_tile: tile, ..request.clone() };
        if offer(format!("--vae-tile {tile}"), plan(&tiled, arithmetic, launch)) {
            break;
        }
    }
    for smaller in SHARES.iter().filter_map(|share| shrunk(flux, request, *share)) {
        let [width, height] = [smaller.width, smaller.height].map(Option::unwrap_or_default);
        if offer(format!("--width {width} --height {height}"), plan(&smaller, arithmetic, launch)) {
            break;
        }
    }
    found
}

/// Tiles that take less than those of the request, the best first: what is chosen by itself, then smaller ones.
fn other_tiles(flux: &Flux, request: &Request, arithmetic: Arithmetic) -> Vec<VaeTile> {
    let sides = match request.vae_tile {
        VaeTile::Off | VaeTile::Auto => LEAST.to_vec(),
        VaeTile::Pixels(_) => [&SIDES[..], &LEAST].concat(),
    };
    let smaller = |side: &usize| !matches!(request.vae_tile, VaeTile::Pixels(asked) if *side >= asked);
    let grids = flux.tiles(request, arithmetic, &sides).unwrap_or_default();
    let smaller = grids.iter().map(|grid| grid.tiles.side).filter(smaller).map(VaeTile::Pixels);
    (request.vae_tile == VaeTile::Off).then_some(VaeTile::Auto).into_iter().chain(smaller).collect()
}

/// The request at a share of its sides.
fn shrunk(flux: &Flux, request: &Request, share: f64) -> Option<Request> {
    let [width, height, unit] = flux.sides(request);
    let side = |pixels: usize| ((pixels as f64 * share) as usize / unit.max(1)).max(1) * unit;
    let (smaller_width, smaller_height) = (side(width), side(height));
    let smaller = Request { width: Some(smaller_width), height: Some(smaller_height), ..request.clone() };
    (smaller_width * smaller_height < width * height).then_some(smaller)
}
