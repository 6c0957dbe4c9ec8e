//! Settings that parse but cannot be run.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use super::{DpmSolverMultistep, FlowMatchEulerDiscrete};

impl FlowMatchEulerDiscrete {
    /// The first key that asks for what is not implemented or cannot be, its value, and what would do.
    pub(super) fn refused(&self) -> Option<(&'static str, String, &'static str)> {
        if self.use_beta_sigmas == Some(true) {
            return Some((
                "use_beta_sigmas",
                "true".into(),
                "this spacing is not implemented; set it to false",
            ));
        }
        if self.use_karras_sigmas == Some(true) && self.use_exponential_sigmas == Some(true) {
            return Some((
                "use_karras_sigmas",
                "true".into(),
                "only one spacing can be used; set one to false",
            ));
        }
        if self.num_train_timesteps == 0 {
            return Some(("num_train_timesteps", "0".into(), "give a number above 0, such as 1000"));
        }
        if !(self.shift.is_finite() && self.shift > 0.0) {
            return Some(("shift", self.shift.to_string(), "give a number above 0"));
        }
        if self.shift_terminal.is_some_and(|end| !(0.0..1.0).contains(&end)) {
            return Some((
                "shift_terminal",
                format!("{:?}", self.shift_terminal),
                "give a number from 0 to below 1",
            ));
        }
        let (base, max) = (self.size_line().base_tokens, self.size_line().max_tokens);
        (base == max).then_some((
            "max_image_seq_len",
            max.to_string(),
            "it must differ from base_image_seq_len",
        ))
    }
}

impl DpmSolverMultistep {
    /// The first key that asks for what is not implemented or cannot be, its value, and what would do.
    pub(super) fn refused(&self) -> Option<(&'static str, String, &'static str)> {
        let spacings = [
            ("use_karras_sigmas", self.use_karras_sigmas),
            ("use_exponential_sigmas", self.use_exponential_sigmas),
            ("use_beta_sigmas", self.use_beta_sigmas),
            ("use_lu_lambdas", self.use_lu_lambdas),
        ];
        if let Some((key, _)) = spacings.iter().find(|(_, used)| *used == Some(true)) {
            return Some((*key, "true".into(), "this spacing is not implemented; set it to false"));
        }
        if self.use_flow_sigmas != Some(true) {
            return Some((
                "use_flow_sigmas",
                "false".into(),
                "only flow-matching noise levels are run; set it to true",
            ));
        }
        if self.thresholding {
            return Some(("thresholding", "true".into(), "thresholding is not implemented; set it to false"));
        }
        if self.num_train_timesteps < 2 {
            let value = self.num_train_timesteps.to_string();
            return Some(("num_train_timesteps", value, "give a number above 1, such as 1000"));
        }
        if !(1..=3).contains(&self.solver_order) {
            return Some(("solver_order", self.solver_order.to_string(), "give 1, 2 or 3"));
        }
        if self.flow_shift.is_some_and(|shift| !(shift.is_finite() && shift > 0.0)) {
            return Some(("flow_shift", format!("{:?}", self.flow_shift), "give a number above 0"));
        }
        let predictions = ["flow_prediction", "epsilon", "sample", "v_prediction"];
        let end = self.final_sigmas_type.as_deref().unwrap_or("null");
        let named: [(&'static str, &str, &[&str], &'static str); 4] = [
            (
                "prediction_type",
                &self.prediction_type,
                &predictions,
                "give flow_prediction, epsilon, sample or v_prediction",
            ),
            (
                "algorithm_type",
                &self.algorithm_type,
                &["dpmsolver++", "sde-dpmsolver++"],
                "give dpmsolver++ or sde-dpmsolver++",
            ),
            ("solver_type", &self.solver_type, &["midpoint", "heun"], "give midpoint or heun"),
            ("final_sigmas_type", end, &["zero", "sigma_min"], "give zero or sigma_min"),
        ];
        let unknown = named.into_iter().find(|(_, value, known, _)| !known.contains(value));
        unknown.map(|(key, value, _, remedy)| (key, value.to_owned(), remedy))
    }
}
