//! Whole or in tiles, and in which.

use super::Grid;
use crate::flux::model::FluxModel;
use crate::flux::need::Need;
use crate::flux::sizes::Extents;
use crate::flux::vae::{Vae, decode_program};
use crate::generate::{Event, Run, VaeTile};
use crate::{Error, Moment, Result};

/// Sides of tiles that are chosen where none is asked for, in latent pixels. Smaller ones see too little of a picture
/// to be taken unasked.
pub(crate) const SIDES: [usize; 5] = [128, 96, 64, 48, 32];
/// Smaller sides, to be named where none of those fits.
pub(crate) const LEAST: [usize; 3] = [24, 16, 8];

/// How the pictures of a run are decoded. Decided before the first, when all else is on the device; the others are
/// decoded as the first was.
pub(crate) enum Decoding {
    Asked(VaeTile),
    Decided(Option<Grid>),
}

/// The tiles of these sides that a picture is cut into, the largest first.
pub(crate) fn grids(model: &FluxModel, extents: &Extents, sides: &[usize]) -> Result<Vec<Grid>> {
    let scale = model.vae.spatial_factor();
    let grids = sides.iter().map(|side| Grid::new(extents, side.saturating_mul(scale), scale));
    Ok(grids.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// The tiles that were asked for by their size.
pub(crate) fn asked(model: &FluxModel, extents: &Extents, asked: VaeTile) -> Result<Option<Grid>> {
    match asked {
        VaeTile::Auto | VaeTile::Off => Ok(None),
        VaeTile::Pixels(side) => Grid::new(extents, side, model.vae.spatial_factor()),
    }
}

impl Vae {
    /// Decides how pictures of these extents are decoded, and tells of tiles.
    ///
    /// # Errors
    ///
    /// [`Error::DoesNotFit`] where the device says what is free and no tile fits that may be taken unasked.
    pub(crate) fn decide(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
        tile: VaeTile,
    ) -> Result<Option<Grid>> {
        let (grid, needed, free) = match tile {
            VaeTile::Auto => self.fitting(model, run, extents)?,
            _ => (asked(model, extents, tile)?, None, None),
        };
        if let Some(grid) = &grid {
            tracing::info!(tiles = %grid.tiles, "decoding in tiles");
            run.watcher.event(Event::Tiled { tiles: grid.tiles, needed, free });
        }
        Ok(grid)
    }

    /// The largest tiles that fit, with what the whole picture needs and what is free; none where that fits.
    fn fitting(
        &mut self,
        model: &FluxModel,
        run: &mut Run<'_>,
        extents: &Extents,
    ) -> Result<(Option<Grid>, Option<u64>, Option<u64>)> {
        let grids = grids(model, extents, &SIDES)?;
        loop {
            let Some(free) = run.place.accelerator.free_memory() else { return Ok((None, None, None)) };
            let whole = self.missing(model, run, extents)?;
            if whole <= free {
                return Ok((None, None, None));
            }
            let mut least = whole;
            for grid in &grids {
                least = self.missing(model, run, &grid.tile)?;
                if least <= free {
                    return Ok((Some(grid.clone()), Some(whole), Some(free)));
                }
            }
            // Arenas of other sizes may be what is in the way.
            if !self.decoder.forget() {
                return Err(self.refusal(model, run, extents, [least, free], grids.last()));
            }
        }
    }

    /// An error of decoding, in tiles or whole. Where memory ran out it names tiles that would fit.
    pub(crate) fn explain(
        &mut self,
        model: &FluxModel,
        run: &Run<'_>,
        extents: &Extents,
        grid: Option<&Grid>,
        error: Error,
    ) -> Error {
        let error = error.at(Moment::Running);
        if !error.is_out_of_memory() {
            return error;
        }
        // What is free is counted without arenas that would be given up.
        self.decoder.forget();
        let Some(free) = run.place.accelerator.free_memory() else { return error };
        let now = grid.map_or(usize::MAX, |grid| grid.tiles.side);
        let smaller = grids(model, extents, &[&SIDES[..], &LEAST].concat()).unwrap_or_default();
        let fits = |grid: &&Grid| {
            grid.tiles.side < now && self.missing(model, run, &grid.tile).is_ok_and(|bytes| bytes <= free)
        };
        let found = smaller.iter().find(fits);
        error.with_remedy(found.map(|grid| format!("less is taken with --vae-tile {}", grid.tiles.side)))
    }

    fn refusal(
        &self,
        model: &FluxModel,
        run: &Run<'_>,
        extents: &Extents,
        [needed, free]: [u64; 2],
        smallest: Option<&Grid>,
    ) -> Error {
        let smaller = grids(model, extents, &LEAST).unwrap_or_default();
        let fits = |grid: &&Grid| self.missing(model, run, &grid.tile).is_ok_and(|bytes| bytes <= free);
        let remedy = match smaller.iter().find(fits) {
            Some(grid) => format!("it would fit with --vae-tile {}", grid.tiles.side),
            None => "end what else uses the device's memory, or choose a device with more".into(),
        };
        let tiles = smallest.map_or_else(String::new, |grid| format!(" in tiles of {}", grid.tiles.side));
        let Extents { width, height, .. } = extents;
        let what = format!("decoding a picture of {width} x {height}{tiles} in {}", run.arithmetic.dtype);
        Error::DoesNotFit { what, device: run.place.accelerator.device().label(), needed, free, remedy }
    }

    /// Bytes that decoding a picture or tile of these extents would still have to allocate.
    fn missing(&self, model: &FluxModel, run: &Run<'_>, extents: &Extents) -> Result<u64> {
        if self.decoder.has(&[extents.latent_height, extents.latent_width]) {
            return Ok(0);
        }
        let program = decode_program(model, extents, run.arithmetic.dtype)?;
        let accelerator = run.place.accelerator.as_ref();
        let need = Need::of(&program, &model.vae_weights, accelerator, run.place.launch)?;
        let weights = if self.decoder.weights().is_some() { 0 } else { need.weights };
        let derived = if self.decoder.is_bound() { 0 } else { need.derived };
        Ok([weights, derived, need.arena, need.given, need.outputs]
            .iter()
            .fold(0, |a, b| a.saturating_add(*b)))
    }
}
