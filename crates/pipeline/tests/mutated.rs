//! Sound files with bytes changed, thousands of them, from a generator with a seed: what is read is an error or sound,
//! never a panic and never an endless wait. The long hunt is in `fuzz/`; what it found is in `fuzz/regressions`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod scratch;

use scratch::{Scratch, fixture};
use std::path::Path;
use tintype_models::{clip, flux, t5, vae};
use tintype_pipeline::files::{Checkpoint, Picture};
use tintype_pipeline::folder::ModelFolder;
use tintype_pipeline::scheduler::{Sampler, ScheduleRequest, Scheduler};
use tintype_pipeline::tokenizer::{Tokenizer, TokenizerKind};

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// One to four changes: a bit, a byte, a number's text, a piece doubled, moved or cut out.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const NUMBERS: [&str; 8] =
            ["-1", "0", "1e999", "18446744073709551615", "9223372036854775808", "null", "[]", "\"\\ud800\""];
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let end = (at + 1 + self.below(24)).min(bytes.len());
            match self.below(7) {
                _ if bytes.is_empty() => bytes.push(self.next() as u8),
                0 => bytes[at] ^= 1 << self.below(8),
                1 => bytes[at] = self.next() as u8,
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                5 => {
                    let piece = bytes[at..end].to_vec();
                    let to = self.below(bytes.len());
                    bytes.splice(to..to, piece);
                }
                _ => {
                    // A run of digits, where there is one, becomes another number.
                    let start = bytes[at..].iter().position(u8::is_ascii_digit).map_or(at, |skip| at + skip);
                    let digits = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
                    let number = NUMBERS[self.below(NUMBERS.len())];
                    bytes.splice(start..start + digits, number.bytes());
                }
            }
        }
    }
}

/// Reads `rounds` mutants of each seed, then every input that was once found to break this reader. Some mutants must
/// be refused and, so that the changes are not all hopeless, some accepted.
fn survive(name: &str, rounds: usize, seeds: &[Vec<u8>], mut read: impl FnMut(&[u8]) -> bool) {
    let mut random = Random(0x7197);
    let (mut sound, mut refused) = (0, 0);
    for seed in seeds {
        assert!(read(seed), "{name}: a seed is refused");
        for _ in 0..rounds {
            let mut bytes = seed.clone();
            random.mutate(&mut bytes);
            *(if read(&bytes) { &mut sound } else { &mut refused }) += 1;
        }
    }
    let known = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/regressions").join(name);
    for entry in std::fs::read_dir(known).into_iter().flatten().flatten() {
        read(&std::fs::read(entry.path()).unwrap());
    }
    assert!(sound > 0 && refused > 0, "{name}: {sound} sound, {refused} refused");
}

/// The seeds of a fuzz target; `kind` is the first byte of those that are wanted, and is cut off.
fn seeds(target: &str, kind: Option<u8>) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/seeds").join(target);
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let all = files.iter().map(|file| std::fs::read(file).unwrap());
    match kind {
        None => all.collect(),
        Some(kind) => all.filter(|seed| seed.first() == Some(&kind)).map(|seed| seed[1..].to_vec()).collect(),
    }
}

#[test]
fn weights() {
    let scratch = Scratch::new();
    survive("safetensors", 1500, &seeds("safetensors", None), |bytes| {
        scratch.write("model.safetensors", bytes);
        let Ok(checkpoint) = Checkpoint::open(scratch.path(), &["model"]) else { return false };
        for name in checkpoint.names() {
            let tensor = checkpoint.get(name).expect("a tensor that is named");
            let elements: usize = tensor.shape.iter().product();
            assert_eq!(elements * tensor.dtype.bitsize(), tensor.bytes.len() * 8);
        }
        true
    });
}

#[test]
fn model_index() {
    let scratch = Scratch::new();
    survive("index", 3000, &seeds("index", Some(0)), |bytes| {
        scratch.write("model_index.json", bytes);
        ModelFolder::open(scratch.path()).is_ok()
    });
}

#[test]
fn configs() {
    type Read = fn(&str) -> bool;
    let readers: [Read; 4] = [
        |text| clip::Config::from_json(text).is_ok(),
        |text| t5::Config::from_json(text).is_ok(),
        |text| flux::Config::from_json(text).is_ok(),
        |text| vae::Config::from_json(text).is_ok(),
    ];
    for (kind, read) in (0..).zip(readers) {
        survive("config", 3000, &seeds("config", Some(kind)), |bytes| {
            std::str::from_utf8(bytes).is_ok_and(read)
        });
    }
    let scratch = Scratch::new();
    survive("config", 3000, &seeds("config", Some(4)), |bytes| {
        scratch.write("scheduler_config.json", bytes);
        let Ok(scheduler) = Scheduler::open(scratch.path()) else { return false };
        scheduler.table(&ScheduleRequest::text_to_image(5, 4096)).is_ok()
    });
}

#[test]
fn pictures() {
    survive("png", 2000, &seeds("png", None), |bytes| {
        let Ok(picture) = Picture::from_png(bytes) else { return false };
        let back = Picture::from_png(&picture.to_png().unwrap()).unwrap();
        assert_eq!(back.rgb, picture.rgb);
        true
    });
}

#[test]
fn tokenizers() {
    let scratch = Scratch::new();
    let read = |file: &str, kinds: &[TokenizerKind], bytes: &[u8]| {
        scratch.write(file, bytes);
        let mut sound = false;
        for kind in kinds {
            let Ok(tokenizer) = Tokenizer::open(scratch.path(), *kind) else { continue };
            sound = true;
            if let Ok(encoded) = tokenizer.encode("a Red ❤ heart, 東京  <extra_id_0> e\u{301}", 12) {
                assert_eq!(encoded.ids.len(), 12);
            }
        }
        sound
    };
    survive(
        "spiece",
        300,
        &[std::fs::read(fixture("flux-spiece-only/tokenizer_2/spiece.model")).unwrap()],
        |bytes| read("spiece.model", &[TokenizerKind::T5], bytes),
    );
    survive("tokenizer_json", 300, &seeds("tokenizer_json", None), |bytes| {
        read("tokenizer.json", &[TokenizerKind::Clip, TokenizerKind::T5], bytes)
    });
}
