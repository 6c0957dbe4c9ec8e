//! The names most like one that was not found.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use crate::error::brief;

/// So many names are compared letter by letter: those that share most at their ends.
const COMPARED: usize = 200;
/// Names longer than this are not compared: they are no model's.
const LONGEST: usize = 256;

/// Up to three of `names`, nearest first, joined for a message; "none" where nothing is alike.
pub(super) fn nearest<'a>(wanted: &str, names: impl Iterator<Item = &'a str>) -> String {
    let mut likely: Vec<&str> = names.filter(|name| name.len() <= LONGEST).collect();
    if likely.len() > COMPARED {
        likely.sort_by_cached_key(|name| std::cmp::Reverse(common_ends(wanted, name)));
        likely.truncate(COMPARED);
    }
    let wanted: Vec<char> = wanted.chars().take(LONGEST).collect();
    let mut scored: Vec<(usize, &str)> = likely
        .into_iter()
        .map(|name| (distance(&wanted, name), name))
        .filter(|(distance, _)| *distance <= wanted.len().div_ceil(2))
        .collect();
    scored.sort_unstable();
    scored.truncate(3);
    let quoted: Vec<String> = scored.iter().map(|(_, name)| format!("`{}`", brief(name))).collect();
    if quoted.is_empty() { "none".into() } else { quoted.join(", ") }
}

/// Levenshtein's edit distance in characters, one row at a time.
fn distance(a: &[char], b: &str) -> usize {
    // The distances from what has been read of `b` to each beginning of `a` but the empty one, to which it is `first`.
    let mut row: Vec<usize> = (1..=a.len()).collect();
    let mut first = 0usize;
    for cb in b.chars() {
        let mut diagonal = first;
        first = first.saturating_add(1);
        let mut left = first;
        for (slot, ca) in row.iter_mut().zip(a) {
            let substituted = diagonal.saturating_add(usize::from(*ca != cb));
            diagonal = *slot;
            left = substituted.min(left.min(*slot).saturating_add(1));
            *slot = left;
        }
    }
    row.last().copied().unwrap_or(first)
}

/// How many bytes two names share at their starts and ends.
fn common_ends(a: &str, b: &str) -> usize {
    let head = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    let tail = a.bytes().rev().zip(b.bytes().rev()).take_while(|(x, y)| x == y).count();
    head.saturating_add(tail)
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
