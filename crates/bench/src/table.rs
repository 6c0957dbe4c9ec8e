//! A result as a small table for people.

use crate::Summary;
use crate::result::{BenchResult, Counters, Mark, StepSeconds, Throughput};
use std::fmt;

impl fmt::Display for BenchResult {
    /// A small table.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |name: &str, value: String| writeln!(f, "{name:14} {value}");
        let sizes: Vec<_> = self.sizes.iter().map(|(name, size)| format!("{name} {size}")).collect();
        row("what", format!("{} ({})", self.what, self.model))?;
        row("sizes", sizes.join(", "))?;
        let threads = self.device.threads.map_or_else(String::new, |threads| format!(", {threads} threads"));
        let emulated = if self.device.emulated { ", emulated" } else { "" };
        row("device", format!("{}: {}{threads}{emulated}", self.device.backend, self.device.name))?;
        let quantize =
            self.quantize.as_ref().map_or_else(String::new, |quantize| format!(" with {quantize}"));
        row("run as", format!("{}{quantize}, {}, {}", self.dtype, self.engine, self.launch))?;
        if !self.attention.is_empty() {
            row("attention", self.attention.join(", "))?;
        }
        self.rows_of_startup(&mut row)?;
        row("cold", seconds(self.seconds.cold))?;
        row("warm", seconds(self.seconds.warm))?;
        if let Some(summary) = self.seconds.summary {
            let Summary { min, lower_quartile, median, upper_quartile, max } = summary;
            let all = [min, lower_quartile, upper_quartile, max].map(seconds);
            row("median", format!("{} of {}", seconds(median), self.seconds.steady.len()))?;
            row("spread", format!("{} [{} .. {}] {}", all[0], all[1], all[2], all[3]))?;
        }
        if let Some(told) = &self.packages {
            let [load, library, run] = [told.load, told.library, told.first_run].map(|seconds| 1e3 * seconds);
            row(
                "packages",
                format!("ready in {load:.1} ms; libtorch {library:.1} ms, first run {run:.1} ms of the host"),
            )?;
        }
        if let Some(told) = self.throughput {
            let Throughput { pictures_per_second, warmup_pictures, warmup_seconds, .. } = told;
            let warmup = format!("{warmup_pictures} in {} before, to warm up", seconds(warmup_seconds));
            row("throughput", format!("{pictures_per_second:.3} pictures a second; {warmup}"))?;
        }
        if let Some(StepSeconds { count, each, before }) = self.seconds.steps {
            let each = each.map_or_else(String::new, |each| format!("{} a step of {count}, ", seconds(each)));
            row("steps", format!("{each}{} before them", seconds(before)))?;
        }
        if let Some(launch) = self.seconds.launch {
            let [low, median, high] =
                [launch.lower_quartile, launch.median, launch.upper_quartile].map(|value| value * 1e6);
            row("launch", format!("{median:.1} us of the host [{low:.1} .. {high:.1}]"))?;
        }
        if let Some(busy) = self.seconds.busy {
            row("busy", format!("{} of the device", seconds(busy)))?;
        }
        if let (None, Some(bytes)) = (self.work.flops_per_second, self.work.bytes_per_second) {
            row("rate", format!("{:.1} GB/s of {:.2} GB", bytes / 1e9, self.work.bytes as f64 / 1e9))?;
        }
        if let Some(flops) = self.work.flops_per_second {
            let bytes = self.work.bytes_per_second.map(|bytes| format!(", {:.1} GB/s", bytes / 1e9));
            row("rate", format!("{:.1} GFLOP/s{}", flops / 1e9, bytes.unwrap_or_default()))?;
            let [flops, bytes] = [self.work.flops, self.work.bytes].map(|amount| amount as f64 / 1e9);
            row("work", format!("{flops:.2} GFLOP, {bytes:.2} GB"))?;
        }
        let memory = &self.memory;
        if memory.peak > 0 {
            let parts = [memory.weights, memory.derived, memory.arenas, memory.data].map(mebibytes);
            let [weights, derived, arenas, data] = parts;
            row(
                "memory",
                format!(
                    "peak {}; weights {weights} and {} mapped, derived {derived}, arenas {arenas}, data {data}",
                    mebibytes(memory.peak),
                    mebibytes(memory.mapped)
                ),
            )?;
        }
        if let Some(process) = memory.process {
            let parts = [process.anonymous_before, process.anonymous_peak, process.anonymous_after];
            let [before, peak, after] = parts.map(mebibytes);
            row("process", format!("anonymous {before} before, {peak} at most, {after} after"))?;
        }
        let Counters { start, steady } = &self.counters;
        row("compiles", format!("{} at the start, {} later", start.compiles, steady.compiles))?;
        row("fallbacks", (start.fallbacks + steady.fallbacks).to_string())?;
        let decomposed: Vec<_> = self
            .operations
            .iter()
            .filter(|(_, count)| count.decomposed > 0)
            .map(|(name, _)| name.as_str())
            .collect();
        if !decomposed.is_empty() {
            row("decomposed", decomposed.join(", "))?;
        }
        Ok(())
    }
}

impl BenchResult {
    /// What `cold` and `sizes` have beside the rest.
    fn rows_of_startup(&self, row: &mut impl FnMut(&str, String) -> fmt::Result) -> fmt::Result {
        for at in &self.at_sizes {
            let parts =
                [at.memory.weights, at.memory.arenas, at.grown_arenas, at.planned_arena, at.workspace];
            let [weights, arenas, grown, planned, workspace] = parts.map(mebibytes);
            let step = at.seconds.map_or_else(String::new, |summary| seconds(summary.median));
            let free = at.free.map_or_else(String::new, |free| format!(", {} free", mebibytes(free)));
            let size = format!("{} x {}", at.width, at.height);
            let plan = format!("{grown} more: {planned} planned, {workspace} of libraries");
            row(&size, format!("{step}; weights {weights}, arenas {arenas} ({plan}){free}"))?;
        }
        let Some(startup) = &self.startup else { return Ok(()) };
        for Mark { name, at } in &startup.marks {
            row("", format!("{:>9.3} s  {name}", at))?;
        }
        let without = startup.first_step - startup.loading;
        row("first step", format!("{}, {} without loading", seconds(startup.first_step), seconds(without)))?;
        let rate = startup.loaded as f64 / startup.loading.max(1e-9) / 1e9;
        row(
            "loading",
            format!("{} of {:.2} GB, {rate:.1} GB/s", seconds(startup.loading), startup.loaded as f64 / 1e9),
        )?;
        if let Some(bare) = &startup.bare {
            let parts: Vec<_> =
                bare.made.iter().map(|(name, took)| format!("{name} {}", seconds(*took))).collect();
            let above = without - bare.seconds();
            row(
                "bare",
                format!("{} ({}); {above:+.3} s above it", seconds(bare.seconds()), parts.join(", ")),
            )?;
            if let Some(upload) = bare.upload {
                let share = 100.0 * rate * 1e9 / upload;
                row(
                    "",
                    format!("{:.1} GB/s from page-locked memory; loading reached {share:.0}%", upload / 1e9),
                )?;
            }
        }
        Ok(())
    }
}

fn seconds(value: f64) -> String {
    if value < 1.0 { format!("{:.3} ms", value * 1e3) } else { format!("{value:.3} s") }
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
