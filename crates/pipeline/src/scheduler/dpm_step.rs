//! One step of DPM-Solver++ as shares of the sample, of three predictions and of noise.
//!
//! Source: `dpm_solver_first_order_update`, `multistep_dpm_solver_second_order_update` and
//! `multistep_dpm_solver_third_order_update` of diffusers 0.36, with the sums multiplied out.

/// A noise level: how much signal and how much noise a sample holds.
#[derive(Clone, Copy)]
pub(super) struct Level {
    pub(super) sigma: f64,
    alpha: f64,
    /// Half the log of the signal-to-noise ratio; infinite where there is no noise.
    lambda: f64,
}

impl Level {
    /// On a flow-matching path, signal and noise add up to 1.
    pub(super) fn flow(sigma: f64) -> Self {
        let alpha = 1.0 - sigma;
        Level { sigma, alpha, lambda: alpha.ln() - sigma.ln() }
    }
}

/// What a step depends on.
pub(super) struct SolverStep {
    pub(super) next: Level,
    pub(super) now: Level,
    /// The levels of one and of two steps before.
    pub(super) before: [Option<Level>; 2],
    /// 1, 2 or 3; lowered where `before` does not reach so far.
    pub(super) order: usize,
    pub(super) heun: bool,
    pub(super) stochastic: bool,
}

/// The shares of the next sample.
#[derive(Debug)]
pub(super) struct Shares {
    pub(super) sample: f64,
    /// Of this step's prediction, and those of one and two steps before.
    pub(super) x0: [f64; 3],
    pub(super) noise: f64,
}

pub(super) fn solve(step: &SolverStep) -> Shares {
    let SolverStep { next, now, .. } = *step;
    let h = next.lambda - now.lambda;
    // The stochastic solver is the plain one over twice the log-SNR, and fresh noise for what is lost.
    let span = if step.stochastic { 2.0 * h } else { h };
    let decay = (-span).exp();
    let sample = next.sigma / now.sigma * if step.stochastic { (-h).exp() } else { 1.0 };
    let noise = if step.stochastic { next.sigma * (1.0 - (-2.0 * h).exp()).sqrt() } else { 0.0 };
    let whole = next.alpha * (1.0 - decay);

    let mut x0 = [whole, 0.0, 0.0];
    if let (2.., Some(before)) = (step.order, step.before[0]) {
        let r0 = (now.lambda - before.lambda) / h;
        // First difference of the predictions: (m0 - m1) / r0.
        let slope = [1.0 / r0, -1.0 / r0, 0.0];
        // diffusers' stochastic formulas divide by -2h where the plain ones divide by h.
        let first = next.alpha
            * if step.stochastic { (1.0 - decay) / -span + 1.0 } else { (decay - 1.0) / span + 1.0 };
        match (step.order, step.before[1]) {
            (3.., Some(earlier)) => {
                let r1 = (before.lambda - earlier.lambda) / h;
                let older = [0.0, 1.0 / r1, -1.0 / r1];
                let second = next.alpha
                    * if step.stochastic {
                        (1.0 - decay - span) / (span * span) - 0.5
                    } else {
                        -((decay - 1.0 + span) / (span * span) - 0.5)
                    };
                for i in 0..3 {
                    let bend = slope[i] - older[i];
                    x0[i] += first * (slope[i] + r0 / (r0 + r1) * bend) + second * bend / (r0 + r1);
                }
            }
            _ => {
                let share = if step.heun { first } else { 0.5 * whole };
                for (x, s) in x0.iter_mut().zip(slope) {
                    *x += share * s;
                }
            }
        }
    }
    Shares { sample, x0, noise }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clean sample predicted alike at every step must be reached from any level, whatever the order: the shares
    /// of the predictions and of the sample keep signal and noise in the proportions of the next level.
    #[test]
    fn a_constant_prediction_stays_on_the_path() {
        let levels = [0.9, 0.7, 0.45, 0.2].map(Level::flow);
        for order in 1..=3 {
            for heun in [false, true] {
                let shares = solve(&SolverStep {
                    next: levels[3],
                    now: levels[2],
                    before: [Some(levels[1]), Some(levels[0])],
                    order,
                    heun,
                    stochastic: false,
                });
                let (clean, noise) = (2.0, -3.0);
                let sample = levels[2].alpha * clean + levels[2].sigma * noise;
                let next = shares.sample * sample + shares.x0.iter().sum::<f64>() * clean;
                let expected = levels[3].alpha * clean + levels[3].sigma * noise;
                assert!((next - expected).abs() < 1e-12, "order {order}: {next} {expected}");
            }
        }
    }

    #[test]
    fn the_last_step_to_no_noise_is_the_prediction_itself() {
        let shares = solve(&SolverStep {
            next: Level::flow(0.0),
            now: Level::flow(0.3),
            before: [None, None],
            order: 1,
            heun: false,
            stochastic: true,
        });
        assert_eq!((shares.sample, shares.x0, shares.noise), (0.0, [1.0, 0.0, 0.0], 0.0));
    }
}
