//! What is in a cubin or in PTX: kernels, their parameters and limits, variables.

mod elf;
mod ptx;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::abi::Answer;
use crate::host::Host;
use crate::status::{INVALID_IMAGE, refuse};

/// The most bytes of an image that are read.
const MOST: usize = 1 << 30;

/// A loaded image.
#[derive(Debug, Default)]
pub struct Image {
    /// `cubin` or `ptx`.
    pub kind: &'static str,
    /// Kernels by name.
    pub kernels: BTreeMap<String, Arc<Kernel>>,
    /// Bytes of variables by name.
    pub globals: BTreeMap<String, u64>,
}

/// What an image says of a kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// Offset and bytes of each parameter.
    pub parameters: Vec<(u32, u32)>,
    /// Static shared memory in bytes.
    pub static_shared: u32,
    /// Most threads a block.
    pub max_threads: u32,
    /// Registers a thread.
    pub registers: u32,
}

impl Default for Kernel {
    fn default() -> Self {
        Kernel { parameters: Vec::new(), static_shared: 0, max_threads: 1024, registers: 32 }
    }
}

impl Image {
    /// Reads an image whose length only its own header tells, for a device of that capability.
    pub fn read(host: &mut Host, address: u64, capability: u32) -> Answer<Image> {
        let mut magic = [0; 4];
        if host.read(address, &mut magic).is_err() {
            return refuse(INVALID_IMAGE, "the image is not readable");
        }
        let image = match magic {
            elf::MAGIC => elf::parse(&elf::bytes(host, address)?, capability)?,
            [0x50, 0xed, 0x55, 0xba] => {
                return refuse(INVALID_IMAGE, "a fat binary, which the double does not read");
            }
            _ => ptx::parse(&text(host, address)?, capability)?,
        };
        if image.kernels.is_empty() && image.globals.is_empty() {
            return refuse(INVALID_IMAGE, "the image holds nothing");
        }
        Ok(image)
    }
}

/// A text that ends in a zero byte.
fn text(host: &mut Host, address: u64) -> Answer<String> {
    let mut bytes = Vec::new();
    while bytes.len() < MOST {
        // Up to the end of a page, so that nothing past the text is touched.
        let at = address + bytes.len() as u64;
        let mut piece = vec![0; (4096 - at % 4096) as usize];
        host.read(at, &mut piece)?;
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            bytes.extend_from_slice(&piece[..end]);
            break;
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).or_else(|_| refuse(INVALID_IMAGE, "neither a cubin nor text"))
}
