//! Recipes in files: a mark and a version, a checksum, the description, then the constants.
//! Private and locked to a version, as the vendor's (section 5, synRecipeSerialize).

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::abi::{Outcome, Status, fault};
use crate::recipe::Recipe;
use crate::state::lock;

const MARK: &[u8; 16] = b"synapse-sim 0001";

/// What comes before the constants.
#[derive(Serialize, Deserialize)]
struct Header<R> {
    recipe: R,
    constants: Vec<usize>,
    section_data: Vec<Option<usize>>,
}

/// Writes a recipe beside `path`, then moves it there.
pub fn write(recipe: &Recipe, path: &Path) -> Outcome {
    let sections = lock(&recipe.section_data).clone();
    let header = Header {
        recipe,
        constants: recipe.constants.iter().map(|data| data.len()).collect(),
        section_data: sections.iter().map(|data| data.as_ref().map(|data| data.len())).collect(),
    };
    let failed = |why: String| fault(Status::FAIL, format!("{}: {why}", path.display()));
    let header = match serde_json::to_vec(&header) {
        Ok(header) => header,
        Err(error) => return failed(error.to_string()),
    };
    let mut body = (header.len() as u64).to_le_bytes().to_vec();
    body.extend(header);
    for data in recipe.constants.iter().chain(sections.iter().flatten()) {
        body.extend_from_slice(data);
    }
    let mut bytes = MARK.to_vec();
    bytes.extend_from_slice(&Sha256::digest(&body));
    bytes.extend(body);
    let beside = path.with_extension(format!("part{}", std::process::id()));
    match std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path)) {
        Ok(()) => Ok(()),
        Err(error) => failed(error.to_string()),
    }
}

/// Reads a recipe; anything wrong with the file is synFail.
pub fn read(path: &Path) -> Outcome<Recipe> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return fault(Status::FAIL, format!("{}: {error}", path.display())),
    };
    parse(&bytes).or_else(|why| fault(Status::FAIL, format!("{}: {why}", path.display())))
}

fn parse(bytes: &[u8]) -> Result<Recipe, String> {
    let rest = bytes.strip_prefix(MARK).ok_or("not a recipe of this version")?;
    let (sum, body) = rest.split_at_checked(32).ok_or("cut short")?;
    if Sha256::digest(body)[..] != *sum {
        return Err("the checksum does not agree".into());
    }
    let (length, body) = body.split_first_chunk::<8>().ok_or("cut short")?;
    let (header, mut data) =
        body.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or("cut short")?;
    let header: Header<Recipe> = serde_json::from_slice(header).map_err(|error| error.to_string())?;
    let mut take = |length: usize| -> Result<Arc<Vec<u8>>, String> {
        let (taken, rest) = data.split_at_checked(length).ok_or("cut short")?;
        data = rest;
        Ok(Arc::new(taken.to_vec()))
    };
    let mut recipe = header.recipe;
    recipe.constants = header.constants.into_iter().map(&mut take).collect::<Result<_, _>>()?;
    let sections: Result<Vec<_>, _> =
        header.section_data.into_iter().map(|length| length.map(&mut take).transpose()).collect();
    recipe.section_data = Mutex::new(sections?);
    Ok(recipe)
}
