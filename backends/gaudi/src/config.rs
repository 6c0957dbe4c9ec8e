//! `gaudi_config.json`: what users of optimum-habana have beside a model, as far as it means something here.

use crate::autocast::Autocast;
use serde_json::{Map, Value};

/// Keys about training.
const TRAINING: [&str; 2] = ["use_fused_adam", "use_fused_clip_norm"];
const USE_AUTOCAST: &str = "use_torch_autocast";
const LOWER: &str = "autocast_bf16_ops";
const FULL: &str = "autocast_fp32_ops";
const DYNAMIC: &str = "use_dynamic_shapes";

/// A `gaudi_config.json`, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GaudiConfig {
    /// Which operations compute in bf16 and which in f32, where the file switches that on.
    pub autocast: Option<Autocast>,
    /// What the file says and what has no effect, a line each, for people to read.
    pub notes: Vec<String>,
}

impl GaudiConfig {
    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// What is wrong with it: no JSON object, or a known key whose value is of another kind.
    pub fn parse(text: &str) -> Result<Self, String> {
        let keys: Map<String, Value> =
            serde_json::from_str(text).map_err(|error| format!("it is no JSON object: {error}"))?;
        let mut notes = Vec::new();
        let on = switch(&keys, USE_AUTOCAST)?;
        let (lower, full) = (names(&keys, LOWER)?, names(&keys, FULL)?);
        for key in TRAINING {
            if switch(&keys, key)? {
                notes.push(format!("{key} has no effect: it is about training"));
            }
        }
        if switch(&keys, DYNAMIC)? {
            notes.push(format!("{DYNAMIC} has no effect: shapes are static, and --batch-size keeps them so"));
        }
        for (key, list) in [(LOWER, &lower), (FULL, &full)] {
            let Some(list) = list else { continue };
            let unknown: Vec<_> = list.iter().filter(|name| !Autocast::knows(name)).cloned().collect();
            if !on {
                notes.push(format!("{key} has no effect without {USE_AUTOCAST}"));
            } else if !unknown.is_empty() {
                notes.push(format!("{key}: no operation here goes by {}", unknown.join(", ")));
            }
        }
        let autocast = match (on, lower, full) {
            (false, ..) => None,
            (true, Some(lower), Some(full)) => Some(Autocast::new(lower, full)),
            (true, None, None) => Some(Autocast::default()),
            // As there: one list alone is not taken.
            (true, lower, _) => {
                let (given, other) = if lower.is_some() { (LOWER, FULL) } else { (FULL, LOWER) };
                notes.push(format!("{given} has no effect without {other}: the usual lists are taken"));
                Some(Autocast::default())
            }
        };
        let known = |key: &str| {
            TRAINING.contains(&key)
                || [USE_AUTOCAST, LOWER, FULL, DYNAMIC].contains(&key)
                // What wrote the file.
                || key.ends_with("_version")
        };
        notes.extend(
            keys.keys()
                .filter(|key| !known(key))
                .map(|key| format!("{} is not known and has no effect", brief(key))),
        );
        Ok(Self { autocast, notes })
    }
}

fn switch(keys: &Map<String, Value>, key: &str) -> Result<bool, String> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(on)) => Ok(*on),
        Some(other) => Err(format!("{key} is {}: give true or false", brief(&other.to_string()))),
    }
}

fn names(keys: &Map<String, Value>, key: &str) -> Result<Option<Vec<String>>, String> {
    let refuse = |value: &Value| format!("{key} holds {}: give a list of names", brief(&value.to_string()));
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(list)) => {
            let name = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| refuse(value));
            list.iter().map(name).collect::<Result<_, _>>().map(Some)
        }
        Some(other) => Err(refuse(other)),
    }
}

/// A stranger's text, as much of it as a message has room for.
fn brief(text: &str) -> String {
    const MOST: usize = 60;
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect();
    if text.chars().count() > MOST { format!("{clean}...") } else { clean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_file_is_read_and_says_what_has_no_effect() {
        let config = GaudiConfig::parse(
            r#"{"use_fused_adam": true, "use_fused_clip_norm": true, "use_torch_autocast": true,
                "autocast_bf16_ops": ["linear", "matmul", "dropout"], "autocast_fp32_ops": ["softmax", "cumsum"],
                "optimum_version": "1.21.2", "hmp_is_verbose": false}"#,
        )
        .unwrap();
        let lists = |lower: &[&str], full: &[&str]| {
            let own = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
            Autocast::new(own(lower), own(full))
        };
        assert_eq!(config.autocast, Some(lists(&["linear", "matmul", "dropout"], &["softmax", "cumsum"])));
        assert_eq!(
            config.notes,
            [
                "use_fused_adam has no effect: it is about training",
                "use_fused_clip_norm has no effect: it is about training",
                "autocast_bf16_ops: no operation here goes by dropout",
                "autocast_fp32_ops: no operation here goes by cumsum",
                "hmp_is_verbose is not known and has no effect",
            ]
        );
    }

    #[test]
    fn lists_need_the_switch_and_each_other() {
        let of = |text: &str| GaudiConfig::parse(text).unwrap();
        assert_eq!(of("{}"), GaudiConfig::default());
        let off = of(r#"{"autocast_bf16_ops": ["linear"]}"#);
        assert!(off.autocast.is_none() && off.notes[0].contains("without use_torch_autocast"));
        let one = of(r#"{"use_torch_autocast": true, "autocast_bf16_ops": ["add"]}"#);
        assert_eq!(one.autocast, Some(Autocast::default()));
        assert!(one.notes[0].contains("without autocast_fp32_ops"), "{:?}", one.notes);
        assert!(of(r#"{"use_dynamic_shapes": true}"#).notes[0].contains("--batch-size"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, part) in [
            ("", "no JSON object"),
            ("[1]", "no JSON object"),
            (r#"{"use_torch_autocast": "yes"}"#, "use_torch_autocast is \"yes\""),
            (r#"{"use_fused_adam": 1}"#, "use_fused_adam is 1"),
            (r#"{"autocast_bf16_ops": "add"}"#, "autocast_bf16_ops holds \"add\""),
            (r#"{"autocast_fp32_ops": ["add", 7]}"#, "autocast_fp32_ops holds 7"),
        ] {
            let told = GaudiConfig::parse(text).unwrap_err();
            assert!(told.contains(part), "{text}: {told}");
        }
    }
}
