//! Values that are more than a word or a number.

use std::path::PathBuf;
use std::str::FromStr;
use tintype::pipeline::files::PictureFormat;

/// More seeds than anyone asks for in one run.
const MOST_SEEDS: u64 = 10_000;

/// An output whose extension names a format.
pub(super) fn picture_path(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match PictureFormat::of(&path) {
        Some(_) => Ok(path),
        None => Err(format!(
            "its extension names no format; give a name that ends in {}",
            PictureFormat::EXTENSIONS
        )),
    }
}

/// Seeds in the order given, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Vec<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut seeds: Vec<u64> = Vec::new();
        let number = |text: &str| {
            text.trim().parse::<u64>().map_err(|_| format!("`{text}` is no seed; give 1..16, 1,5,9 or both"))
        };
        for part in text.split(',') {
            let (first, last) = match part.split_once("..") {
                Some((first, last)) => (number(first)?, number(last.trim_start_matches('='))?),
                None => (number(part)?, number(part)?),
            };
            if first > last {
                return Err(format!("{part} runs backwards; give {last}..{first}"));
            }
            if (last - first).saturating_add(seeds.len() as u64) >= MOST_SEEDS {
                return Err(format!("these are more than {MOST_SEEDS} seeds; split the run"));
            }
            for seed in first..=last {
                if seeds.contains(&seed) {
                    return Err(format!("seed {seed} is given twice, and would make the same file twice"));
                }
                seeds.push(seed);
            }
        }
        Ok(Self(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_ranges_and_lists() {
        let of = |text: &str| text.parse::<Seeds>().map(|seeds| seeds.0);
        assert_eq!(of("1..4").unwrap(), [1, 2, 3, 4]);
        assert_eq!(of("1..=2, 9,5").unwrap(), [1, 2, 9, 5]);
        assert_eq!(of("18446744073709551615").unwrap(), [u64::MAX]);
        for wrong in
            ["", "x", "1,,2", "4..1", "1,1", "1..3,2", "-1", "1..", "0..18446744073709551615", "0..10000"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn outputs_name_their_format() {
        assert!(picture_path("a/b.JPG").is_ok());
        assert!(picture_path("out.gif").unwrap_err().contains(".webp"));
    }
}
