//! PTX: as much of the text as names kernels, their parameters and the variables.

use std::sync::Arc;

use super::{Image, Kernel};
use crate::abi::Answer;
use crate::status::{INVALID_IMAGE, INVALID_PTX, NO_BINARY_FOR_GPU, refuse};

/// Reads PTX.
pub fn parse(text: &str, capability: u32) -> Answer<Image> {
    let lines: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or("").trim()).collect();
    if !lines.iter().any(|line| line.starts_with(".version")) {
        return refuse(INVALID_IMAGE, "neither a cubin nor PTX");
    }
    let target = lines.iter().find_map(|line| line.strip_prefix(".target")?.trim().strip_prefix("sm_"));
    let digits: String = target.unwrap_or_default().chars().take_while(char::is_ascii_digit).collect();
    match digits.parse::<u32>() {
        Ok(target) if target <= capability => {}
        Ok(target) => {
            return refuse(
                NO_BINARY_FOR_GPU,
                format!("PTX for sm_{target} on a device of capability {capability}"),
            );
        }
        Err(_) => return refuse(INVALID_PTX, "PTX without a target"),
    }
    let mut image = Image { kind: "ptx", ..Image::default() };
    let code = lines.join("\n");
    for entry in code.split(".entry").skip(1) {
        let name: String =
            entry.trim_start().chars().take_while(|c| !c.is_whitespace() && !"({".contains(*c)).collect();
        let Some(open) = entry.find(['(', '{']) else {
            return refuse(INVALID_PTX, format!("`{name}` has no body"));
        };
        let mut kernel = Kernel::default();
        let mut after = &entry[open..];
        if let Some(list) = after.strip_prefix('(') {
            let Some(close) = list.find(')') else {
                return refuse(INVALID_PTX, format!("`{name}`'s parameters"));
            };
            let mut offset = 0u64;
            for parameter in list[..close].split(',').filter(|parameter| !parameter.trim().is_empty()) {
                let Some((size, align)) = size_of(parameter) else {
                    return refuse(INVALID_PTX, format!("`{name}`: parameter `{}`", parameter.trim()));
                };
                offset = offset.next_multiple_of(align);
                kernel.parameters.push((offset as u32, size as u32));
                offset += size;
            }
            after = &list[close..];
        }
        let directives = after.split('{').next().unwrap_or("");
        if let Some(list) = [".maxntid", ".reqntid"].iter().find_map(|word| directives.split(word).nth(1)) {
            let line = list.lines().next().unwrap_or("");
            let threads: u64 = line.split(',').filter_map(|n| n.trim().parse::<u64>().ok()).product();
            kernel.max_threads = threads.clamp(1, 1024) as u32;
        }
        for line in after.lines().filter(|line| line.starts_with(".shared")) {
            kernel.static_shared += size_of(line).map_or(0, |(size, _)| size as u32);
        }
        image.kernels.insert(name, Arc::new(kernel));
    }
    for line in lines.iter().map(|line| line.trim_start_matches(".visible").trim()) {
        if let (true, Some((size, _))) =
            (line.starts_with(".global") || line.starts_with(".const"), size_of(line))
        {
            let declared = line.split(['[', '=', ';']).next().unwrap_or("");
            image.globals.insert(declared.split_whitespace().last().unwrap_or("").into(), size);
        }
    }
    Ok(image)
}

/// Bytes and alignment of a declaration such as `.param .align 8 .b8 name[16]`.
fn size_of(declaration: &str) -> Option<(u64, u64)> {
    let words: Vec<&str> = declaration.split_whitespace().collect();
    let element = words.iter().find_map(|word| {
        let digits = word.strip_prefix(['.'])?.strip_prefix(['b', 'u', 's', 'f'])?;
        digits.parse::<u64>().ok().map(|bits| bits / 8).filter(|bytes| [1, 2, 4, 8].contains(bytes))
    })?;
    let align =
        words.iter().position(|word| *word == ".align").and_then(|at| words.get(at + 1)?.parse().ok());
    let count = match declaration.split_once('[') {
        Some((_, rest)) => rest.split(']').next()?.trim().parse().unwrap_or(0),
        None => 1,
    };
    Some((element * count, align.unwrap_or(element).max(1)))
}
