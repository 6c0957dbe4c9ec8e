//! `model_index.json`: which pipeline a folder is, and which components it has.

use super::defaults::{Defaults, FILE as DEFAULTS};
use super::single::SingleFiles;
use super::{Location, is_plain_name, listing, read_json};
use crate::error::{Error, Result, brief};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;

/// The pipeline classes that this library runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PipelineClass {
    /// `FluxPipeline` and `FluxImg2ImgPipeline`: one set of components, run from noise or from a picture.
    Flux,
}

impl PipelineClass {
    /// Every diffusers class name that is read, with the pipeline that runs it.
    pub const NAMES: [(&str, PipelineClass); 2] =
        [("FluxPipeline", PipelineClass::Flux), ("FluxImg2ImgPipeline", PipelineClass::Flux)];
}

/// One entry of `model_index.json`: the library and class that made a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The Python library, such as `diffusers` or `transformers`.
    pub library: String,
    /// The class, such as `FluxTransformer2DModel`.
    pub class: String,
}

/// A model in the diffusers layout.
#[derive(Clone, Debug)]
pub struct ModelFolder {
    root: Location,
    class: PipelineClass,
    class_name: String,
    components: BTreeMap<String, Option<Component>>,
    defaults: Defaults,
    pub(super) singles: SingleFiles,
}

impl ModelFolder {
    /// Reads `model_index.json` in `root`, and `tintype.json` where there is one.
    ///
    /// # Errors
    ///
    /// [`Error::NotAFolder`], [`Error::NoModelIndex`], [`Error::Json`], and [`Error::UnknownPipeline`] if
    /// `_class_name` is not one of [`PipelineClass::NAMES`]; as [`Defaults::read`].
    pub fn open(root: impl Into<Location>) -> Result<Self> {
        let root = root.into();
        if !root.is_dir() {
            let what = match root.exists() {
                true if root.path().extension().is_some_and(|e| e == "safetensors") => {
                    "a single weights file"
                }
                true => "a file",
                false => "missing",
            };
            return Err(Error::NotAFolder { path: root.to_path_buf(), what });
        }
        let path = root.join("model_index.json");
        if !path.is_file() {
            return Err(Error::NoModelIndex { path: root.to_path_buf(), found: listing(&root) });
        }
        let entries: Map<String, Value> = read_json(&path)?;
        let class_name = brief(entries.get("_class_name").and_then(Value::as_str).unwrap_or("(none)"));
        let known = PipelineClass::NAMES.iter().find(|(name, _)| *name == class_name);
        let Some(&(_, class)) = known else {
            let supported = PipelineClass::NAMES.map(|(name, _)| name).join(", ");
            return Err(Error::UnknownPipeline { path: path.to_path_buf(), class: class_name, supported });
        };
        let mut components = BTreeMap::new();
        for (name, value) in &entries {
            let Some(component) = component(value) else { continue };
            if !is_plain_name(name) {
                return Err(Error::ConfigValue {
                    path: path.to_path_buf(),
                    key: brief(name),
                    value: "a component".into(),
                    remedy: "a component is named as its folder, which lies beside model_index.json".into(),
                });
            }
            components.insert(name.clone(), component);
        }
        let defaults = Defaults::read(&root.join(DEFAULTS))?;
        let singles = SingleFiles::default();
        Ok(ModelFolder { root, class, class_name, components, defaults, singles })
    }

    /// The folder itself: its path on disk, or what stands for it in messages.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// Where the folder is.
    pub fn location(&self) -> &Location {
        &self.root
    }

    /// What `tintype.json` says of a request that leaves something out.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// Where [`ModelFolder::defaults`] are written.
    pub(crate) fn defaults_file(&self) -> std::path::PathBuf {
        self.root.join(DEFAULTS).to_path_buf()
    }

    /// The pipeline that runs this model.
    pub fn class(&self) -> PipelineClass {
        self.class
    }

    /// The class as `model_index.json` names it.
    pub fn class_name(&self) -> &str {
        &self.class_name
    }

    /// The components that are present, by name. Those that the index sets to null are left out.
    pub fn components(&self) -> impl Iterator<Item = (&str, &Component)> {
        self.components.iter().filter_map(|(name, component)| Some((name.as_str(), component.as_ref()?)))
    }

    /// Which class a component is, and its folder.
    ///
    /// # Errors
    ///
    /// [`Error::MissingComponent`] if the index does not list it, sets it to null, or its folder is not there.
    pub fn component(&self, name: &str) -> Result<(&Component, Location)> {
        let missing = |why: &str, remedy: String| Error::MissingComponent {
            path: self.root.to_path_buf(),
            component: name.to_owned(),
            why: why.to_owned(),
            remedy,
        };
        match self.components.get(name) {
            None => {
                let listed: Vec<&str> = self.components().map(|(name, _)| name).collect();
                let remedy = format!("a {} needs it; the index lists {}", self.class_name, listed.join(", "));
                Err(missing("is not in model_index.json", remedy))
            }
            Some(None) => {
                Err(missing("is null in model_index.json", "use a folder that was saved whole".into()))
            }
            Some(Some(component)) => {
                let folder = self.root.join(name);
                if folder.is_dir() {
                    return Ok((component, folder));
                }
                let remedy = format!("download it again; the folder holds {}", listing(&self.root));
                Err(missing("has no folder", remedy))
            }
        }
    }

    /// As [`ModelFolder::component`], and the component must be of one of `classes`.
    ///
    /// # Errors
    ///
    /// As [`ModelFolder::component`]; also [`Error::ConfigValue`] naming the classes that would do.
    pub fn component_of(&self, name: &str, classes: &[&str]) -> Result<Location> {
        let (component, folder) = self.component(name)?;
        if classes.contains(&component.class.as_str()) {
            return Ok(folder);
        }
        Err(Error::ConfigValue {
            path: self.root.join("model_index.json").to_path_buf(),
            key: name.to_owned(),
            value: brief(&component.class),
            remedy: format!("supported here: {}", classes.join(", ")),
        })
    }
}

/// An entry `[library, class]` is a component, `[null, null]` or null one that was left out; the rest is settings.
fn component(value: &Value) -> Option<Option<Component>> {
    match value {
        Value::Null => Some(None),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(library), Value::String(class)] => {
                Some(Some(Component { library: library.clone(), class: class.clone() }))
            }
            [Value::Null, Value::Null] => Some(None),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Scratch;

    const FLUX: &str = r#"{"_class_name":"FluxPipeline","_diffusers_version":"0.36.0","feature_extractor":[null,null],
        "image_encoder":null,"vae":["diffusers","AutoencoderKL"],"transformer":["diffusers","FluxTransformer2DModel"]}"#;

    #[test]
    fn a_flux_folder_opens() {
        let scratch = Scratch::new();
        scratch.file("model_index.json", FLUX);
        scratch.file("vae/config.json", "{}");
        let folder = ModelFolder::open(scratch.path()).unwrap();
        assert_eq!(folder.class(), PipelineClass::Flux);
        assert_eq!(folder.components().map(|(name, _)| name).collect::<Vec<_>>(), ["transformer", "vae"]);
        assert_eq!(
            folder.component_of("vae", &["AutoencoderKL"]).unwrap().path(),
            scratch.path().join("vae")
        );
        let told = |name: &str| folder.component(name).unwrap_err().to_string();
        assert!(told("transformer").contains("has no folder"));
        assert!(told("image_encoder").contains("is null"));
        assert!(told("feature_extractor").contains("is null"));
        assert!(told("scheduler").contains("not in model_index.json"));
        let other = folder.component_of("vae", &["AutoencoderTiny"]).unwrap_err().to_string();
        assert!(other.contains("AutoencoderKL") && other.contains("AutoencoderTiny"), "{other}");
    }

    #[test]
    fn what_is_no_model_says_why() {
        let scratch = Scratch::new();
        let told = |path: &Path| ModelFolder::open(path).unwrap_err().to_string();
        assert!(told(&scratch.path().join("no")).contains("missing"));
        assert!(told(&scratch.file("a.safetensors", "")).contains("a single weights file"));
        let bare = told(scratch.path());
        assert!(bare.contains("no model_index.json") && bare.contains("a.safetensors"), "{bare}");
        scratch.file("model_index.json", r#"{"_class_name":"WanPipeline"}"#);
        let unknown = told(scratch.path());
        assert!(unknown.contains("`WanPipeline`") && unknown.contains("FluxPipeline"), "{unknown}");
        scratch.file("model_index.json", "[]");
        assert!(told(scratch.path()).contains("model_index.json line 1"));
        scratch.file("model_index.json", r#"{"_class_name":"FluxPipeline","../vae":["diffusers","X"]}"#);
        assert!(told(scratch.path()).contains("`../vae`"));
    }
}
