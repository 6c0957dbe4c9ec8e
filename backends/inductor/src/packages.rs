//! A folder of packages, and the choice of one.

use crate::{Error, Manifest, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tintype_accel::Device;
use tintype_program::{BlockHash, Program, Template};

/// What a package must have been made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `cpu` or `cuda`.
    pub device: String,
    /// `x86_64`, `sm_90`.
    pub arch: String,
    /// The processor's instructions.
    pub cpu_flags: Vec<String>,
    /// libtorch's version.
    pub torch: String,
}

impl Target {
    /// The processors of this machine, with a libtorch of this version.
    pub fn of_host(torch: &str) -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = info.lines().find_map(|line| {
            let (name, flags) = line.split_once(':')?;
            ["flags", "Features"].contains(&name.trim()).then_some(flags)
        });
        let flags = flags.unwrap_or_default().split_whitespace().map(str::to_owned);
        Self {
            device: "cpu".into(),
            arch: std::env::consts::ARCH.into(),
            cpu_flags: flags.collect(),
            torch: torch.into(),
        }
    }

    /// A device, with a libtorch of this version; none where packages do not run on it.
    pub fn of_device(device: &Device, torch: &str) -> Option<Self> {
        let host = Self::of_host(torch);
        match device.backend {
            "cpu" => Some(host),
            // libtorch would take the addresses of a software double for a device's.
            "cuda" if !device.emulated => {
                Some(Self { device: "cuda".into(), arch: device.arch.clone(), ..host })
            }
            _ => None,
        }
    }

    /// What a package was made for that is not here, if anything.
    pub fn mismatch(&self, manifest: &Manifest) -> Option<String> {
        let differ = |what: &str, made: &str, here: &str| {
            (made != here).then(|| format!("it was made for {what} {made}, here is {here}"))
        };
        differ("device", &manifest.device, &self.device)
            .or_else(|| differ("architecture", &manifest.arch, &self.arch))
            .or_else(|| differ("libtorch", &manifest.torch, &self.torch))
            .or_else(|| {
                let lacking: Vec<_> =
                    manifest.cpu_flags.iter().filter(|flag| !self.cpu_flags.contains(flag)).collect();
                let named: Vec<_> = lacking.iter().take(5).map(|flag| flag.as_str()).collect();
                (!lacking.is_empty()).then(|| {
                    format!("it was made on a processor with {}, which this one lacks", named.join(", "))
                })
            })
    }
}

/// A package: its folder and manifest.
#[derive(Clone, Debug)]
pub struct Package {
    /// The folder.
    pub path: PathBuf,
    /// What it is.
    pub manifest: Manifest,
    /// The Programs that it computes, where they are more than the one of the manifest's block.
    pub template: Option<Arc<Template>>,
}

impl Package {
    /// Reads the manifest, and the template if there is one, of the package in a folder.
    pub fn read(path: &Path) -> Result<Self> {
        let manifest = Manifest::read(path)?;
        let template = manifest.template(path)?.map(Arc::new);
        Ok(Self { path: path.into(), manifest, template })
    }
}

/// The packages of a folder. Nothing of them is loaded.
#[derive(Clone, Debug)]
pub struct Packages {
    root: PathBuf,
    list: Vec<Package>,
}

impl Packages {
    /// Reads the manifests of all packages in `root`. A package that has none that can be read is an error.
    pub fn open(root: &Path) -> Result<Self> {
        let told = |error| Error::file(root, format!("the folder of packages cannot be read: {error}"));
        let mut list = Vec::new();
        for entry in fs::read_dir(root).map_err(told)? {
            let path = entry.map_err(told)?.path();
            // What a compile is still writing starts with a point.
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if path.is_dir() && !hidden {
                list.push(Package::read(&path)?);
            }
        }
        if list.is_empty() {
            return Err(Error::file(root, "there are no packages in it; `tintype aot compile` makes them"));
        }
        // One that was made for the very Program comes before one for many.
        list.sort_by(|a, b| (a.template.is_some(), &a.path).cmp(&(b.template.is_some(), &b.path)));
        Ok(Self { root: root.into(), list })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// All packages: those for one Program, then those for several, by the names of their folders.
    pub fn list(&self) -> &[Package] {
        &self.list
    }

    /// Whether there is any package for this block, fit or not.
    pub fn has(&self, block: BlockHash) -> bool {
        let block = block.to_string();
        self.list.iter().any(|package| package.manifest.block == block)
    }

    /// The package for a Program on a target; or why there is none.
    pub fn find(&self, program: &Program, target: &Target) -> std::result::Result<&Package, String> {
        let block = hash_of(program).map(|hash| hash.to_string()).unwrap_or_default();
        let mut refused = Vec::new();
        let name = &program.entry().name;
        for package in &self.list {
            let manifest = &package.manifest;
            let other = match &package.template {
                None if manifest.block == block => manifest.differs_from(program),
                Some(template) if manifest.name == *name => template.size_of(program).err(),
                _ => continue,
            };
            match target.mismatch(manifest).or(other) {
                None => return Ok(package),
                Some(why) => refused.push(format!("{}: {why}", package.path.display())),
            }
        }
        if refused.is_empty() {
            return Err(format!("{} has no package for {name}, block {block}", self.root.display()));
        }
        Err(refused.join("; "))
    }
}

/// The hash of a Program: that of its entry.
pub fn hash_of(program: &Program) -> Option<BlockHash> {
    program.hashes().last().copied()
}
