//! Trying algorithms on the device: the library's own first choice is up to a tenth slower than its best.

use crate::dnn::cache::Cache;
use crate::runtime::Ground;
use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tintype_gpu::MatMul;
use tintype_gpu::blas::{Choice, Product};
use tintype_gpu::driver::Queue;

/// How long algorithms are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Search {
    /// Not at all: the library's first choice is taken. On an H100 neither search finds a step of FLUX.1-dev that is quicker.
    #[default]
    Off,
    /// Three seconds in all, large products only.
    Quick,
    /// Each product for as long as it takes to tell close ones apart, two minutes in all.
    Full,
}

impl FromStr for Search {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "off" => Ok(Search::Off),
            "quick" => Ok(Search::Quick),
            "full" => Ok(Search::Full),
            _ => Err(format!("`{text}` is no way to search; there are off, quick, full")),
        }
    }
}

impl Search {
    fn name(self) -> &'static str {
        match self {
            Search::Off => "off",
            Search::Quick => "quick",
            Search::Full => "full",
        }
    }

    /// Searching in all, and one measurement of one algorithm.
    fn limits(self) -> [Duration; 2] {
        match self {
            Search::Off => [Duration::ZERO; 2],
            Search::Quick => [Duration::from_secs(3), Duration::from_millis(3)],
            Search::Full => [Duration::from_secs(120), Duration::from_millis(20)],
        }
    }

    /// Measurements of each algorithm, of which the fastest counts.
    fn rounds(self) -> usize {
        if self == Search::Full { 5 } else { 2 }
    }
}

/// Below so many operations a product is over before another algorithm could save what one can measure.
const LEAST: usize = 2_000_000_000;

/// The searches of one device, and what earlier ones found.
pub(super) struct Searches {
    search: Search,
    queue: Arc<Queue>,
    cache: Option<Cache>,
    spent: Mutex<Duration>,
}

/// An algorithm that was found, and seconds.
struct Found {
    choice: Choice,
    seconds: f64,
    first: f64,
}

impl Searches {
    /// `setting`: what a finding holds for: the library's version and the device.
    pub(super) fn new(search: Search, queue: &Arc<Queue>, folder: Option<&Path>, setting: &str) -> Self {
        let cache = folder.filter(|_| search != Search::Off).map(|folder| Cache::new(folder, setting));
        Self { search, queue: Arc::clone(queue), cache, spent: Mutex::default() }
    }

    /// Gives the product the best of `list`, whose first it has: the one kept, or the one found now. What cannot be tried leaves
    /// the first.
    pub(super) fn choose(&self, product: &mut Product, op: &MatMul, list: &[Choice], bytes: [usize; 4]) {
        let work = [op.batch, op.m, op.n, op.k].into_iter().fold(2, usize::saturating_mul);
        if self.search == Search::Off || list.len() < 2 || work < LEAST {
            return;
        }
        let key = |search: Search| format!("{} {op:?}", search.name());
        let levels: &[Search] =
            if self.search == Search::Full { &[Search::Full] } else { &[Search::Full, Search::Quick] };
        let kept = levels.iter().find_map(|level| read(&self.cache.as_ref()?.get(&key(*level))?, list));
        if let Some(choice) = kept {
            product.choose(choice);
            tracing::debug!(m = op.m, n = op.n, k = op.k, "algorithm found in the cache");
            return;
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        let [limit, _] = self.search.limits();
        if *spent >= limit {
            tracing::debug!(m = op.m, n = op.n, k = op.k, "no time left to search for an algorithm");
            return;
        }
        let started = Instant::now();
        let found = self.try_all(product, list, bytes);
        *spent += started.elapsed();
        match found {
            Ok(Found { choice, seconds, first }) => {
                product.choose(choice);
                tracing::debug!(
                    m = op.m,
                    n = op.n,
                    k = op.k,
                    algorithms = list.len(),
                    microseconds = seconds * 1e6,
                    first = first * 1e6,
                    "algorithms were tried"
                );
                if let Some(cache) = &self.cache {
                    cache.put(&key(self.search), &write(&choice));
                }
            }
            // Too little memory, say: the first choice needs none of it.
            Err(reason) => {
                tracing::warn!(m = op.m, n = op.n, k = op.k, reason, "no algorithm could be tried")
            }
        }
    }

    /// Runs every algorithm on memory of its own. `bytes`: of a, b, bias and d.
    fn try_all(&self, product: &mut Product, list: &[Choice], bytes: [usize; 4]) -> Result<Found, String> {
        let mut start = 0;
        let offsets = bytes.map(|bytes| {
            let at = start;
            start += bytes.next_multiple_of(256);
            at as u64
        });
        let workspace = list.iter().map(Choice::workspace).max().unwrap_or(0);
        let ground = Ground::new(&self.queue, start + workspace).map_err(|error| error.to_string())?;
        let [a, b, bias, d] = offsets.map(|offset| ground.address() + offset);
        let addresses = if product.has_bias() { vec![a, b, bias, d] } else { vec![a, b, d] };
        let workspace = ground.address() + start as u64;
        let first = product.choice();
        let mut times = vec![f64::INFINITY; list.len()];
        for _ in 0..self.search.rounds() {
            for (index, choice) in list.iter().enumerate() {
                let fastest = times.iter().copied().fold(f64::INFINITY, f64::min);
                // Measured once, and too slow to come first.
                if times[index].is_finite() && times[index] > fastest * 1.05 {
                    continue;
                }
                product.choose(*choice);
                // An algorithm that fails is no choice.
                if let Ok(seconds) = self.time(product, &ground, &addresses, workspace, fastest) {
                    times[index] = times[index].min(seconds);
                }
            }
        }
        product.choose(first);
        let best = (0..list.len()).min_by(|x, y| times[*x].total_cmp(&times[*y])).unwrap_or(0);
        // Closer than a hundredth is noise, and the library had its reasons.
        let best = if times[0] <= times[best] * 1.01 { 0 } else { best };
        match times[best].is_finite() {
            true => Ok(Found { choice: list[best], seconds: times[best], first: times[0] }),
            false => Err("every algorithm failed".into()),
        }
    }

    /// Seconds of one run; of a single one where that is far from the fastest.
    fn time(
        &self,
        product: &Product,
        ground: &Ground,
        addresses: &[u64],
        workspace: u64,
        fastest: f64,
    ) -> Result<f64, String> {
        let run = |times: u32| -> Result<Duration, String> {
            let started = Instant::now();
            for _ in 0..times {
                // SAFETY: the ground has the stream and all memory, and waits for it before it goes.
                unsafe { product.launch(addresses, workspace, ground.stream().0) }?;
            }
            ground.synchronize().map_err(|error| error.to_string())?;
            Ok(started.elapsed())
        };
        let [_, length] = self.search.limits();
        run(1)?;
        let once = run(1)?.max(Duration::from_micros(1));
        if once.as_secs_f64() > fastest * 1.5 + 20e-6 {
            return Ok(once.as_secs_f64());
        }
        let times = (length.as_nanos() / once.as_nanos()).clamp(3, 200) as u32;
        Ok(run(times)?.as_secs_f64() / f64::from(times))
    }
}

/// Words of cuBLASLt's algorithm, with which a result of its heuristic begins.
const WORDS: usize = 8;

/// An algorithm as it is kept.
fn write(choice: &Choice) -> Vec<u8> {
    let words: Vec<String> = algorithm(choice).iter().map(|word| format!("{word:016x}")).collect();
    words.join(" ").into_bytes()
}

fn algorithm(choice: &Choice) -> &[u64] {
    choice.words().get(..WORDS).unwrap_or_default()
}

/// The one of `list` that was kept; the library vouches for no other.
fn read(kept: &[u8], list: &[Choice]) -> Option<Choice> {
    let words = std::str::from_utf8(kept).ok()?.split(' ');
    let words: Vec<u64> = words.map(|word| u64::from_str_radix(word, 16).ok()).collect::<Option<_>>()?;
    list.iter().find(|choice| algorithm(choice) == words).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(word: u64) -> Choice {
        Choice::new([word, 2, 3, 4, 5, 6, 7, u64::MAX, 0, 0, 0, 0], 0)
    }

    #[test]
    fn what_was_kept_is_found_among_what_the_library_offers_and_nothing_else_is() {
        let list = [choice(1), choice(9)];
        assert_eq!(read(&write(&list[1]), &list), Some(list[1]));
        assert!(read(&write(&choice(4)), &list).is_none());
        for broken in [&b""[..], b"1 2", b"x y z", b"\xff"] {
            assert!(read(broken, &list).is_none());
        }
    }

    #[test]
    fn a_way_to_search_is_named() {
        assert_eq!("full".parse(), Ok(Search::Full));
        assert_eq!(Search::default(), Search::Off);
        assert!("fast".parse::<Search>().unwrap_err().contains("off, quick, full"));
    }
}
