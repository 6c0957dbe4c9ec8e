//! A short name for what a picture shows.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::png::Picture;
use sha2::{Digest, Sha256};

impl Picture {
    /// 16 hexadecimal digits of the SHA-256 of extents and pixels: equal for pictures that show the same, whatever their
    /// texts.
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.width.to_le_bytes());
        hasher.update(self.height.to_le_bytes());
        hasher.update(&self.rgb);
        hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }
}
