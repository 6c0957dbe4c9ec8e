//! What packages to make of captured Programs.

use crate::aot::{AotOptions, DIGITS, put};
use crate::manifest::hex;
use crate::packages::hash_of;
use crate::{Error, Python, Result};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use tintype_accel::Joined;
use tintype_program::passes::{self, Region, RegionKind, Regions};
use tintype_program::{Program, Template};

/// Something to make a package of.
pub(crate) struct Job {
    /// The package's name, without what it is made for.
    pub(crate) name: String,
    pub(crate) block: String,
    pub(crate) kind: RegionKind,
    pub(crate) program: Program,
    /// What the Program is one of.
    pub(crate) template: Option<Template>,
    /// The package's folder.
    pub(crate) target: PathBuf,
}

/// A Program that was captured.
pub(crate) struct Captured {
    name: String,
    program: Program,
}

impl Captured {
    /// The Programs of a folder; with `fuse_qkv`, with queries, keys and values fused wherever there are such.
    pub(crate) fn all(folder: &Path, fuse_qkv: bool) -> Result<Vec<Self>> {
        let mut all: Vec<Self> =
            programs(folder)?.iter().map(|path| Self::read(path)).collect::<Result<_>>()?;
        if fuse_qkv {
            let fused: Vec<bool> = all.iter_mut().map(Self::fuse).collect();
            if !fused.contains(&true) {
                let reason = "no linear layers read the same rows, so there is nothing to fuse (weights in 8 bits are not: codes and scales lie apart)";
                return Err(Error::Captured { reason: reason.into() });
            }
        }
        Ok(all)
    }

    fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|error| Error::file(path, error))?;
        let program = Program::from_json(&text)
            .map_err(|error| Error::file(path, format!("it is no Program: {error}")))?;
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, program })
    }

    /// Whether there was something to fuse. It has a name of its own then: packages of the Program as it was captured may lie beside.
    fn fuse(&mut self) -> bool {
        let Some(joined) = Joined::projections(&self.program) else { return false };
        self.name.push_str("-fused");
        self.program = joined.program;
        true
    }
}

/// Captures of one model at two sizes; what depends on no size by itself.
pub(crate) fn pairs(captured: &[Captured]) -> Result<Vec<(&Captured, Option<&Captured>)>> {
    let mut pairs: Vec<(&Captured, Option<&Captured>)> = Vec::new();
    for one in captured {
        let model = &one.program.entry().name;
        match pairs.iter_mut().find(|(first, _)| first.program.entry().name == *model) {
            Some((first, second)) if second.is_none() && first.program != one.program => *second = Some(one),
            Some(_) => {}
            None => pairs.push((one, None)),
        }
    }
    match pairs.iter().all(|(_, second)| second.is_none()) {
        true => Err(Error::Captured {
            reason: "no Program was captured at two sizes; capture another size into the same folder".into(),
        }),
        false => Ok(pairs),
    }
}

/// What packages to make of a captured Program, or of what it has in common with another capture of it.
pub(crate) fn jobs_of(
    captured: &Captured,
    other: Option<&Captured>,
    folder: &Path,
    python: &Python,
    options: &AotOptions,
) -> Result<Vec<Job>> {
    let Captured { name, program } = captured;
    let device = options.device.split(':').next().unwrap_or_default();
    let cut = |program: &Program| -> Result<Regions> {
        Ok(if options.blocks { passes::regions(program)? } else { passes::whole(program) })
    };
    let Regions { regions, runs, outputs, states, .. } = cut(program)?;
    let others = other.map(|other| cut(&other.program)).transpose()?.map(|cut| cut.regions);
    if others.as_ref().is_some_and(|others| others.len() != regions.len()) {
        let reason = format!("{name} falls into other regions at its other size");
        return Err(Error::Captured { reason });
    }
    let mut jobs = Vec::with_capacity(regions.len());
    for (index, Region { kind, program }) in regions.into_iter().enumerate() {
        let second = others.as_ref().and_then(|others| others.get(index));
        let template = match (second, &options.dynamic) {
            (Some(second), Some(sizes)) => Template::of(&program, &second.program, sizes.clone())?,
            _ => None,
        };
        let block = match &template {
            Some(template) => hex(&Sha256::digest(template.to_json())),
            None => hash_of(&program).map(|hash| hash.to_string()).unwrap_or_default(),
        };
        let digits: String = block.chars().take(DIGITS).collect();
        let name = match (kind, &template) {
            (RegionKind::Whole, None) => name.clone(),
            (_, None) => format!("{}-{digits}", program.entry().name),
            (_, Some(_)) => format!("{}-sizes-{digits}", program.entry().name),
        };
        let target = folder.join(format!("{name}-{device}-torch{}", python.torch()));
        jobs.push(Job { name, block, kind, program, template, target });
    }
    if !matches!(&jobs[..], [Job { kind: RegionKind::Whole, .. }]) {
        let packages: Vec<_> =
            jobs.iter().map(|job| job.target.file_name().map(|name| name.to_string_lossy())).collect();
        let order = json!({ "packages": packages, "runs": runs, "outputs": outputs, "states": states });
        put(folder, &folder.join(format!("{name}.regions.json")), format!("{order}\n").as_bytes())?;
    }
    Ok(jobs)
}

/// The Programs of a folder.
fn programs(folder: &Path) -> Result<Vec<PathBuf>> {
    let told =
        |error| Error::file(folder, format!("the folder of captured Programs cannot be read: {error}"));
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Error::file(folder, "there are no Programs in it; `tintype aot capture` writes them"));
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use tintype_program::{DType, TensorType};

    fn program(layers: &[&str]) -> Program {
        let traced = Program::trace("layers", |scope| {
            let x = scope.input("x", TensorType::new(DType::F32, [4, 16]))?;
            for name in layers {
                scope.output(name, &x.linear(&scope.child(name).param("weight", &[16, 16])?, None)?)?;
            }
            Ok(())
        });
        traced.unwrap()
    }

    #[test]
    fn what_can_be_fused_has_another_name_and_nothing_to_fuse_is_told() {
        let folder = tempfile::tempdir().unwrap();
        crate::capture([("alone", &program(&["q"]))], folder.path()).unwrap();
        let told = Captured::all(folder.path(), true).err().unwrap().to_string();
        assert!(told.contains("nothing to fuse"), "{told}");
        crate::capture([("three", &program(&["q", "k", "v"]))], folder.path()).unwrap();
        let names = |fuse| -> Vec<_> {
            let all = Captured::all(folder.path(), fuse).unwrap();
            all.iter().map(|one| (one.name.ends_with("-fused"), one.program.entry().params.len())).collect()
        };
        assert_eq!(names(false), [(false, 1), (false, 3)]);
        assert_eq!(names(true), [(false, 1), (true, 1)]);
    }
}
