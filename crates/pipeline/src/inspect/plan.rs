//! The Programs of a run and the memory that they take, with its pictures decoded whole or in tiles.

use super::memory::{Account, PhaseMemory};
use crate::flux::{Flux, Grid, SIDES, Stage};
use crate::generate::Settings;
use crate::{Arithmetic, Request, Result, Tiles, VaeTile};
use tintype_accel::{Accelerator, LaunchMode};

/// A run on a device, planned.
pub(super) struct Plan {
    pub(super) settings: Settings,
    /// How many pictures are made at once.
    pub(super) batch: usize,
    /// The Programs, in the order of the run.
    pub(super) stages: Vec<Stage>,
    pub(super) phases: Vec<PhaseMemory>,
    /// Whether the device planned all of it itself.
    pub(super) exact: bool,
    pub(super) tiles: Option<Tiles>,
    /// The peak of decoding whole, where that does not fit and tiles are taken.
    pub(super) whole: Option<u64>,
}

impl Plan {
    /// Plans a run on a device that has `free` bytes for it, where it tells.
    pub(super) fn of(
        flux: &Flux,
        request: &Request,
        accelerator: &dyn Accelerator,
        (arithmetic, launch): (Arithmetic, LaunchMode),
        free: Option<u64>,
    ) -> Result<Self> {
        let (settings, batch, mut stages) = flux.stages(request, arithmetic)?;
        let mut before = Account::new(accelerator, launch);
        let last = stages.pop();
        before.add_all(&stages)?;
        let asked = flux.asked_tiles(request, arithmetic)?;
        let mut decoding = Decoding { account: before.clone(), grid: asked, decoder: last, whole: None };
        if let Some(decoder) = &decoding.decoder {
            decoding.account.add(decoder)?;
        }
        let fits = |account: &Account<'_>| free.is_none_or(|free| account.peak() <= free);
        // Tiles mend nothing where what comes before does not fit.
        if request.vae_tile == VaeTile::Auto && !fits(&decoding.account) && fits(&before) {
            let whole = decoding.account.peak();
            // The largest that fit; the smallest where none does.
            for grid in flux.tiles(request, arithmetic, &SIDES)? {
                let decoder = flux.decoder(request, arithmetic, Some(&grid))?;
                let mut account = before.clone();
                account.add(&decoder)?;
                let enough = fits(&account);
                decoding = Decoding { account, grid: Some(grid), decoder: Some(decoder), whole: Some(whole) };
                if enough {
                    break;
                }
            }
        }
        let Decoding { account: Account { phases, exact, .. }, grid, decoder, whole } = decoding;
        stages.extend(decoder);
        Ok(Self { settings, batch, stages, phases, exact, tiles: grid.map(|grid| grid.tiles), whole })
    }
}

/// A way to decode.
struct Decoding<'a> {
    /// What the whole run holds then.
    account: Account<'a>,
    grid: Option<Grid>,
    decoder: Option<Stage>,
    whole: Option<u64>,
}
