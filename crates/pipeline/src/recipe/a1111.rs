//! The text that stable-diffusion-webui writes into its pictures under `parameters`, and that many tools read.
//!
//! ```text
//! a red heart
//! Negative prompt: blurry
//! Steps: 4, Sampler: Euler, CFG scale: 1, Seed: 7, Size: 64x64, Model hash: 0123456789, Model: FLUX.1-dev
//! ```
//!
//! The prompt may have several lines, and so may the negative prompt, which may be missing. The last line has pairs,
//! `Name: value`, with a comma between them; a value that holds a comma, a colon or a line break is quoted as JSON quotes
//! strings. A last line with fewer than three pairs belongs to the prompt.
//!
//! Flux's names are those of Forge: `CFG scale` is the factor of true guidance, `Distilled CFG Scale` what the model is
//! told.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::Made;

const NEGATIVE: &str = "Negative prompt:";
/// Fewer pairs than this on the last line are a part of the prompt.
const FEWEST: usize = 3;

/// The text of a picture.
///
/// `Model hash` is the start of this library's fingerprint, not of the SHA-256 of a checkpoint file: the model may be a
/// folder of many files.
pub fn write(made: &Made) -> String {
    let settings = &made.settings;
    let mut text = settings.prompt.clone();
    if let Some(negative) = &settings.negative {
        text.push_str(&format!("\n{NEGATIVE} {negative}"));
    }
    let (sampler, schedule) = match made.scheduler.as_str() {
        "FlowMatchEulerDiscreteScheduler" => ("Euler", Some("Simple")),
        "DPMSolverMultistepScheduler" => ("DPM++ 2M", None),
        other => (other, None),
    };
    let mut pairs = vec![("Steps", settings.steps.to_string()), ("Sampler", sampler.into())];
    pairs.extend(schedule.map(|schedule| ("Schedule type", schedule.into())));
    pairs.push(("CFG scale", settings.true_cfg.unwrap_or(1.0).to_string()));
    pairs.extend(settings.guidance.map(|guidance| ("Distilled CFG Scale", guidance.to_string())));
    pairs.push(("Seed", settings.seed.to_string()));
    pairs.push(("Size", format!("{}x{}", settings.width, settings.height)));
    pairs.push(("Model hash", made.model_fingerprint.chars().take(10).collect()));
    pairs.push(("Model", made.model.clone()));
    pairs.extend(settings.strength.map(|strength| ("Denoising strength", strength.to_string())));
    if settings.count > 1 {
        pairs.push(("Batch size", settings.count.to_string()));
        pairs.push(("Batch pos", made.picture.to_string()));
    }
    pairs.push(("Version", format!("tintype {}", made.version)));
    let filled = pairs.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<String> = filled.map(|(name, value)| format!("{name}: {}", quote(value))).collect();
    format!("{text}\n{}", pairs.join(", "))
}

fn quote(value: &str) -> String {
    match value.contains([',', ':', '\n', '"']) {
        true => serde_json::Value::from(value).to_string(),
        false => value.to_owned(),
    }
}

/// A text, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The prompt.
    pub prompt: String,
    /// The negative prompt, if there is one.
    pub negative: Option<String>,
    /// Names and values of the last line, in its order.
    pub pairs: Vec<(String, String)>,
}

/// Takes a text apart. Any text can be: one without a last line of pairs is all prompt.
pub fn read(text: &str) -> Parameters {
    let text = text.trim();
    let (body, pairs) = match text.rsplit_once('\n') {
        Some((body, last)) => (body, pairs(last)),
        None => ("", pairs(text)),
    };
    let (body, pairs) = if pairs.len() < FEWEST { (text, Vec::new()) } else { (body, pairs) };
    let mut prompt: Vec<&str> = Vec::new();
    let mut negative: Option<Vec<&str>> = None;
    for line in body.lines().map(str::trim) {
        match (line.strip_prefix(NEGATIVE), &mut negative) {
            (Some(rest), None) => negative = Some(vec![rest.trim()]),
            (_, Some(lines)) => lines.push(line),
            (None, None) => prompt.push(line),
        }
    }
    let negative = negative.map(|lines| lines.join("\n")).filter(|text| !text.is_empty());
    Parameters { prompt: prompt.join("\n"), negative, pairs }
}

/// The pairs of a line. What is no pair is passed over up to the next comma.
fn pairs(line: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = line;
    while !rest.trim().is_empty() {
        let (name, after) = match rest.split_once([':', ',']) {
            Some((name, after)) if rest.as_bytes().get(name.len()) == Some(&b':') => (name.trim(), after),
            Some((_, after)) => {
                rest = after;
                continue;
            }
            None => break,
        };
        let (value, after) = value(after.trim_start());
        let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-' | '/');
        if !name.is_empty() && name.chars().all(word) {
            pairs.push((name.to_owned(), value));
        }
        rest = after;
    }
    pairs
}

/// The value that `text` starts with, unquoted, and what comes after its comma.
fn value(text: &str) -> (String, &str) {
    if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        if let Some(Ok(value)) = values.next() {
            let after = text.get(values.byte_offset()..).unwrap_or_default();
            return (value, after.split_once(',').map_or("", |(_, after)| after));
        }
    }
    let (value, after) = text.split_once(',').unwrap_or((text, ""));
    (value.trim().to_owned(), after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Settings;

    fn made() -> Made {
        let settings = Settings {
            prompt: "a red heart,\noil on canvas".into(),
            negative: Some("blurry".into()),
            true_cfg: Some(2.5),
            guidance: Some(3.5),
            steps: 4,
            width: 64,
            height: 48,
            seed: u64::MAX,
            count: 4,
            strength: Some(0.75),
            ..Settings::default()
        };
        Made {
            seeds: Vec::new(),
            settings,
            picture: 2,
            model: "my, model".into(),
            model_fingerprint: "0123456789abcdef".into(),
            scheduler: "FlowMatchEulerDiscreteScheduler".into(),
            backend: "cpu".into(),
            device: "a processor".into(),
            emulated: false,
            launch: "compiled".into(),
            attention: Vec::new(),
            version: "1.2.3".into(),
        }
    }

    #[test]
    fn a_text_is_as_others_write_it() {
        let expected = "a red heart,\noil on canvas\nNegative prompt: blurry\nSteps: 4, Sampler: Euler, \
            Schedule type: Simple, CFG scale: 2.5, Distilled CFG Scale: 3.5, Seed: 18446744073709551615, Size: 64x48, \
            Model hash: 0123456789, Model: \"my, model\", Denoising strength: 0.75, Batch size: 4, Batch pos: 2, \
            Version: tintype 1.2.3";
        assert_eq!(write(&made()), expected);
        let back = read(expected);
        assert_eq!(back.prompt, "a red heart,\noil on canvas");
        assert_eq!(back.negative.as_deref(), Some("blurry"));
        let of = |name: &str| back.pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert_eq!(of("Model"), Some("my, model"));
        assert_eq!(of("Seed"), Some("18446744073709551615"));
        assert_eq!(back.pairs.len(), 13);
    }

    #[test]
    fn texts_of_other_tools_are_taken_apart() {
        let text = "masterpiece, (a heart:1.2), <lora:x:0.8>\nNegative prompt: ugly, bad\nand worse\n\
            Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 965400086, Size: 512x512, Model hash: 45dee52b, \
            Lora hashes: \"x: 1234, y: \\\"5\\\"\", Version: v1.10.1";
        let read = read(text);
        assert_eq!(read.prompt, "masterpiece, (a heart:1.2), <lora:x:0.8>");
        assert_eq!(read.negative.as_deref(), Some("ugly, bad\nand worse"));
        assert_eq!(read.pairs[6], ("Lora hashes".into(), "x: 1234, y: \"5\"".into()));
        assert_eq!(read.pairs[7], ("Version".into(), "v1.10.1".into()));
    }

    #[test]
    fn any_text_can_be_read() {
        assert_eq!(read("a red heart").prompt, "a red heart");
        assert_eq!(read("a: b, c: d").prompt, "a: b, c: d", "two pairs are a prompt");
        assert_eq!(read("").pairs, vec![]);
        let only = read("Steps: 1, Seed: 2, Size: 3x4");
        assert_eq!((only.prompt.as_str(), only.pairs.len()), ("", 3));
        assert_eq!(read("x\nSteps: 1, Seed: \"2, Size: 3x4, A: 1").pairs[1].1, "\"2");
        assert_eq!(read("x\n,,::,: ,\"").prompt, "x\n,,::,: ,\"");
    }
}
