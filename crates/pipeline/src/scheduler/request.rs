//! What a caller asks of a scheduler.

use crate::error::{Error, Result};

/// The steps of the full schedule.
#[derive(Clone, Debug, PartialEq)]
pub enum Steps {
    /// So many steps, spaced as the pipeline spaces them.
    Count(usize),
    /// The noise levels themselves, before shifting; the closing zero is not given.
    Sigmas(Vec<f64>),
}

impl Steps {
    /// The number of steps of the full schedule.
    ///
    /// # Errors
    ///
    /// [`Error::Schedule`] if it is zero or above 100,000, or a given noise level is not a number above 0.
    pub(super) fn count(&self) -> Result<usize> {
        const MOST: usize = 100_000;
        let count = match self {
            Steps::Count(count) => *count,
            Steps::Sigmas(sigmas) => {
                if let Some(bad) = sigmas.iter().find(|s| !s.is_finite() || **s <= 0.0) {
                    let remedy = "give numbers above 0, falling, without the closing 0".into();
                    return Err(Error::Schedule { option: "sigmas", value: bad.to_string(), remedy });
                }
                sigmas.len()
            }
        };
        if (1..=MOST).contains(&count) {
            return Ok(count);
        }
        Err(Error::Schedule {
            option: "steps",
            value: count.to_string(),
            remedy: format!("give from 1 to {MOST} steps"),
        })
    }
}

/// A schedule to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleRequest {
    /// How many steps, or which.
    pub steps: Steps,
    /// Tokens of the picture: (height / 16) · (width / 16) for Flux. Dynamic shifting depends on it.
    pub image_tokens: usize,
    /// For image-to-image: from 0 to 1, how much of the schedule is run. None runs all of it.
    pub strength: Option<f64>,
}

impl ScheduleRequest {
    /// A text-to-image schedule of `count` steps.
    pub fn text_to_image(count: usize, image_tokens: usize) -> Self {
        ScheduleRequest { steps: Steps::Count(count), image_tokens, strength: None }
    }

    /// The first step that is run out of `count`.
    ///
    /// # Errors
    ///
    /// As [`first_step`].
    pub(super) fn first(&self, count: usize) -> Result<usize> {
        self.strength.map_or(Ok(0), |strength| first_step(count, strength))
    }
}

/// The first of `count` steps that image-to-image at `strength` runs, as `FluxImg2ImgPipeline.get_timesteps` has it.
///
/// # Errors
///
/// [`Error::Schedule`] if the strength is not from 0 to 1, or so small that no step is left.
pub fn first_step(count: usize, strength: f64) -> Result<usize> {
    let refuse =
        |remedy: String| Err(Error::Schedule { option: "strength", value: strength.to_string(), remedy });
    if !(0.0..=1.0).contains(&strength) {
        return refuse("give a number from 0 (keep the picture) to 1 (ignore it)".into());
    }
    let whole = count as f64;
    let first = (whole - (whole * strength).min(whole)).max(0.0) as usize;
    if first >= count {
        return refuse(format!("no step of {count} is left to run; give at least {}", 1.0 / whole));
    }
    Ok(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_steps_are_those_of_diffusers() {
        // int(max(n - min(n * s, n), 0)): 4 - 2.4 = 1.6 → 1; 10 - 0.3 * 10 = 7; 3 - 0.1 * 3 = 2.7 → 2.
        for (count, strength, first) in [(4, 0.6, 1), (10, 0.3, 7), (3, 0.1, 2), (28, 1.0, 0), (28, 0.95, 1)]
        {
            assert_eq!(first_step(count, strength).unwrap(), first, "{count} {strength}");
        }
        for strength in [0.0, -0.1, 1.1, f64::NAN] {
            assert!(first_step(4, strength).is_err(), "{strength}");
        }
        assert_eq!(first_step(4, 0.01).unwrap(), 3);
    }

    #[test]
    fn impossible_steps_are_refused() {
        let with = |steps: Steps| steps.count();
        assert!(with(Steps::Count(0)).is_err());
        assert!(with(Steps::Count(usize::MAX)).is_err());
        assert!(with(Steps::Sigmas(vec![])).is_err());
        assert!(with(Steps::Sigmas(vec![1.0, 0.0])).is_err());
        assert!(with(Steps::Sigmas(vec![f64::NAN])).is_err());
        assert_eq!(with(Steps::Sigmas(vec![1.0, 0.5])).unwrap(), 2);
    }
}
