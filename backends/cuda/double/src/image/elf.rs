//! Cubins: ELF files for NVIDIA's machine number.
//!
//! A kernel `NAME` has its code in `.text.NAME` and its attributes in `.nv.info.NAME`: records of a format
//! byte, an attribute byte and either a 16-bit value or a 16-bit length with that many bytes after it.

use std::sync::Arc;

use super::{Image, Kernel, MOST};
use crate::abi::Answer;
use crate::host::Host;
use crate::status::{INVALID_IMAGE, NO_BINARY_FOR_GPU, refuse};

pub const MAGIC: [u8; 4] = [0x7f, b'E', b'L', b'F'];
const MACHINE: u64 = 190;

const FORMAT_SIZED: u8 = 4;
const MAX_THREADS: u8 = 0x05;
const KPARAM_INFO: u8 = 0x17;
const KPARAM_INFO_V2: u8 = 0x45;
const REGCOUNT: u8 = 0x2f;

struct Section {
    name: String,
    kind: u64,
    offset: usize,
    size: usize,
    link: u64,
}

/// All bytes of an ELF file in the caller's memory.
pub fn bytes(host: &mut Host, address: u64) -> Answer<Vec<u8>> {
    let mut header = vec![0; 64];
    host.read(address, &mut header)?;
    let (table, entry, count) = (number(&header, 40, 8)?, number(&header, 58, 2)?, number(&header, 60, 2)?);
    let end = table.checked_add(entry * count).and_then(|end| usize::try_from(end).ok());
    let Some(mut end) = end.filter(|end| *end <= MOST) else {
        return refuse(INVALID_IMAGE, "sections past the end");
    };
    let mut rows = vec![0; (entry * count) as usize];
    host.read(address + table, &mut rows)?;
    for index in 0..count as usize {
        let row = index * entry as usize;
        // Sections of kind 8 take no bytes of the file.
        if number(&rows, row + 4, 4)? != 8 {
            let last = number(&rows, row + 24, 8)?.checked_add(number(&rows, row + 32, 8)?);
            match last.and_then(|last| usize::try_from(last).ok()).filter(|last| *last <= MOST) {
                Some(last) => end = end.max(last),
                None => return refuse(INVALID_IMAGE, "a section past the end"),
            }
        }
    }
    let mut bytes = vec![0; end];
    match host.read(address, &mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => refuse(INVALID_IMAGE, format!("the image is cut short of {end} bytes")),
    }
}

/// Reads a cubin.
pub fn parse(bytes: &[u8], capability: u32) -> Answer<Image> {
    if number(bytes, 18, 2)? != MACHINE || number(bytes, 4, 1)? != 2 {
        return refuse(INVALID_IMAGE, "an ELF file, but no cubin");
    }
    let flags = number(bytes, 48, 4)?;
    let target = if number(bytes, 8, 1)? >= 8 { flags >> 8 & 0xff } else { flags & 0xff } as u32;
    // Code runs on its own major architecture from its minor on.
    if target / 10 != capability / 10 || target > capability {
        return refuse(
            NO_BINARY_FOR_GPU,
            format!("code for sm_{target} on a device of capability {capability}"),
        );
    }
    let sections = sections(bytes)?;
    let mut image = Image { kind: "cubin", ..Image::default() };
    let data = |section: &Section| {
        if section.kind == 8 { None } else { bytes.get(section.offset..section.offset + section.size) }
    };
    for section in &sections {
        let Some(name) = section.name.strip_prefix(".text.") else { continue };
        let mut kernel = Kernel::default();
        if let Some(info) =
            sections.iter().find(|other| other.name == format!(".nv.info.{name}")).and_then(data)
        {
            attributes(info, &mut kernel)?;
        }
        if let Some(shared) = sections.iter().find(|other| other.name == format!(".nv.shared.{name}")) {
            // From 9.0 on the first KiB of it is the system's.
            kernel.static_shared = (shared.size as u32).saturating_sub(if target >= 90 { 1024 } else { 0 });
        }
        image.kernels.insert(name.into(), Arc::new(kernel));
    }
    symbols(bytes, &sections, &mut image)?;
    Ok(image)
}

fn sections(bytes: &[u8]) -> Answer<Vec<Section>> {
    let (table, entry, count) = (number(bytes, 40, 8)?, number(bytes, 58, 2)?, number(bytes, 60, 2)?);
    let mut found = Vec::new();
    for index in 0..count {
        let row = (table + index * entry) as usize;
        let size = |at, len| number(bytes, row + at, len);
        let (offset, length) = (size(24, 8)? as usize, size(32, 8)? as usize);
        found.push((
            size(0, 4)? as usize,
            Section { name: String::new(), kind: size(4, 4)?, offset, size: length, link: size(40, 4)? },
        ));
    }
    let names = found.get(number(bytes, 62, 2)? as usize).map(|(_, section)| section.offset);
    let Some(names) = names else { return refuse(INVALID_IMAGE, "no section names") };
    let named = found.into_iter().map(|(at, section)| Section { name: string(bytes, names + at), ..section });
    Ok(named.collect())
}

/// Variables from the symbol table, and the registers of kernels from the file's own attributes.
fn symbols(bytes: &[u8], sections: &[Section], image: &mut Image) -> Answer {
    let Some(table) = sections.iter().find(|section| section.name == ".symtab") else { return Ok(()) };
    let Some(strings) = sections.get(table.link as usize) else { return Ok(()) };
    let mut names = Vec::new();
    for row in (table.offset..table.offset + table.size).step_by(24) {
        let name = string(bytes, strings.offset + number(bytes, row, 4)? as usize);
        let (kind, section) = (number(bytes, row + 4, 1)? & 15, number(bytes, row + 6, 2)? as usize);
        let home = sections.get(section).map_or("", |section| section.name.as_str());
        if kind == 1 && (home.starts_with(".nv.global") || home.starts_with(".nv.constant3")) {
            image.globals.insert(name.clone(), number(bytes, row + 16, 8)?);
        }
        names.push(name);
    }
    let Some(info) = sections.iter().find(|section| section.name == ".nv.info") else { return Ok(()) };
    let Some(info) = bytes.get(info.offset..info.offset + info.size) else { return Ok(()) };
    records(info, |attribute, value| {
        if attribute == REGCOUNT && value.len() >= 8 {
            let (symbol, registers) = (number(value, 0, 4)? as usize, number(value, 4, 4)? as u32);
            if let Some(kernel) = names.get(symbol).and_then(|name| image.kernels.get_mut(name)) {
                Arc::make_mut(kernel).registers = registers;
            }
        }
        Ok(())
    })
}

fn attributes(info: &[u8], kernel: &mut Kernel) -> Answer {
    let mut parameters = Vec::new();
    records(info, |attribute, value| {
        match attribute {
            KPARAM_INFO if value.len() >= 12 => {
                let size = number(value, 8, 4)? >> 18;
                parameters.push((number(value, 4, 2)?, number(value, 6, 2)? as u32, size as u32));
            }
            KPARAM_INFO_V2 if value.len() >= 12 => {
                let size = number(value, 10, 2)?;
                parameters.push((number(value, 4, 2)?, number(value, 6, 2)? as u32, size as u32));
            }
            MAX_THREADS if value.len() >= 12 => {
                let threads: u64 =
                    [0, 4, 8].iter().map(|at| number(value, *at, 4)).product::<Answer<u64>>()?;
                kernel.max_threads = threads.min(1024) as u32;
            }
            _ => {}
        }
        Ok(())
    })?;
    parameters.sort_unstable();
    kernel.parameters = parameters.into_iter().map(|(_, offset, size)| (offset, size)).collect();
    Ok(())
}

fn records(info: &[u8], mut each: impl FnMut(u8, &[u8]) -> Answer) -> Answer {
    let mut at = 0;
    while at + 4 <= info.len() {
        let (format, attribute) = (info[at], info[at + 1]);
        let length = if format == FORMAT_SIZED { number(info, at + 2, 2)? as usize } else { 0 };
        let Some(value) = info.get(at + 4..at + 4 + length) else {
            return refuse(INVALID_IMAGE, "an attribute past its section's end");
        };
        each(attribute, value)?;
        at += 4 + length;
    }
    Ok(())
}

fn number(bytes: &[u8], at: usize, len: usize) -> Answer<u64> {
    match at.checked_add(len).and_then(|end| bytes.get(at..end)) {
        Some(bytes) => Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))),
        None => refuse(INVALID_IMAGE, "the image is cut short"),
    }
}

fn string(bytes: &[u8], at: usize) -> String {
    let rest = bytes.get(at..).unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    String::from_utf8_lossy(&rest[..end]).into_owned()
}
