//! The names most like one that was not found.

/// Names longer than this are not compared: they are no model's.
const LONGEST: usize = 256;

/// Up to three of `names`, nearest first, joined for a message; "none" where nothing is alike.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let wanted: Vec<char> = wanted.chars().take(LONGEST).collect();
    let mut scored: Vec<(usize, &str)> = names
        .filter(|name| name.len() <= LONGEST)
        .map(|name| (distance(&wanted, name), name))
        .filter(|(distance, _)| *distance <= wanted.len().div_ceil(2))
        .collect();
    scored.sort_unstable();
    scored.truncate(3);
    let quoted: Vec<String> = scored.iter().map(|(_, name)| format!("`{name}`")).collect();
    if quoted.is_empty() { "none".into() } else { quoted.join(", ") }
}

/// Levenshtein's edit distance in characters, one row at a time.
fn distance(a: &[char], b: &str) -> usize {
    let mut row: Vec<usize> = (0..=a.len()).collect();
    for (i, cb) in b.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        row[0] = left;
        for (slot, ca) in row.iter_mut().skip(1).zip(a) {
            let substituted = diagonal + usize::from(*ca != cb);
            diagonal = *slot;
            left = substituted.min(left + 1).min(*slot + 1);
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edit_distances() {
        let chars = |s: &str| s.chars().collect::<Vec<_>>();
        assert_eq!(distance(&chars("kitten"), "sitting"), 3);
        assert_eq!(distance(&chars(""), "abc"), 3);
        assert_eq!(distance(&chars("abc"), ""), 3);
    }

    #[test]
    fn the_prefix_that_transformers_adds_is_found() {
        let names = ["text_model.final_layer_norm.weight", "text_model.final_layer_norm.bias", "logit_scale"];
        let told = nearest("final_layer_norm.weight", names.into_iter());
        assert!(told.starts_with("`text_model.final_layer_norm.weight`"), "{told}");
        assert_eq!(nearest("x_embedder.weight", ["q"].into_iter()), "none");
    }
}
