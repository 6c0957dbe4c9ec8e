//! Recipes: compiled graphs, kept in memory and on disk.

mod build;
mod cache;
mod disk;

pub(crate) use build::{Recipe, SlotHome, build, load};
pub(crate) use cache::{Key, Recipes};
pub(crate) use disk::{Disk, DiskOptions};
