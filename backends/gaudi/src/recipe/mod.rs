//! Recipes: compiled graphs, kept in memory and on disk.

mod build;
mod cache;
mod disk;
mod handle;

pub(crate) use build::build;
pub(crate) use cache::{Key, Recipes};
pub(crate) use disk::{Disk, DiskOptions};
pub(crate) use handle::{Recipe, SlotHome, load};
