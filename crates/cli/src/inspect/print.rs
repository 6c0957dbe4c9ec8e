//! What was found, for people.

use super::table::table;
use super::units::{bytes, count, day, seconds};
use tintype::pipeline::inspect::{
    ComponentReport, DeviceReport, Fit, Forecast, Inspection, ModelReport, Phase, Prediction, Work,
};

pub(super) fn inspection(inspection: &Inspection) -> String {
    let parts = [model(&inspection.model), work(&inspection.work)];
    let devices = inspection.devices.iter().map(device);
    parts.into_iter().chain(devices).collect::<Vec<_>>().join("\n")
}

fn model(model: &ModelReport) -> String {
    let name = model.root.file_name().unwrap_or(model.root.as_os_str()).to_string_lossy();
    let mut rows = vec![row(["component", "class", "stored as", "parameters", "size", "files"])];
    rows.extend(model.components.iter().map(component));
    let [parameters, size] = [count(model.parameters() as f64, ""), bytes(model.bytes())];
    rows.push(row(["in all", "", "", &parameters, &size, ""]));
    format!("{name}  {}, fingerprint {}\n\n{}", model.class, model.fingerprint, table("  ", 3, &rows))
}

fn component(component: &ComponentReport) -> Vec<String> {
    row([
        &component.name,
        &component.class,
        &stored(component),
        &count(component.parameters as f64, ""),
        &bytes(component.bytes),
        &component.files.len().to_string(),
    ])
}

/// The dtypes, the commonest first, with shares where there are several.
fn stored(component: &ComponentReport) -> String {
    let mut dtypes: Vec<_> = component.dtypes.iter().collect();
    dtypes.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
    let share = |bytes: u64| 100.0 * bytes as f64 / component.bytes.max(1) as f64;
    let each = dtypes.iter().map(|(dtype, bytes)| match dtypes.len() {
        1 => (*dtype).clone(),
        _ => format!("{dtype} {:.0} %", share(**bytes)),
    });
    each.collect::<Vec<_>>().join(", ")
}

fn work(work: &Work) -> String {
    let asked = &work.asked;
    let pictures = match asked.batch_size {
        1 => String::new(),
        batch => format!("{batch} pictures at once, "),
    };
    let title = format!(
        "{} x {} pixels, {pictures}{} steps, {} text tokens, {}",
        asked.width,
        asked.height,
        asked.steps,
        asked.max_sequence_length,
        asked.arithmetic()
    );
    let mut rows = vec![row(["work", "runs", "FLOPs a run", "bytes a run"])];
    for stage in &work.stages {
        let [flops, moved] = [count(stage.flops as f64, "FLOP"), bytes(stage.bytes)];
        rows.push(row([&stage.name, &stage.runs.to_string(), &flops, &moved]));
    }
    format!("{title}\n\n{}", table("  ", 1, &rows))
}

fn device(device: &DeviceReport) -> String {
    match (&device.forecast, &device.obstacle) {
        (Some(found), _) => forecast(device, found),
        (None, obstacle) => format!("{}  {}\n", device.label, obstacle.as_deref().unwrap_or("not available")),
    }
}

fn forecast(device: &DeviceReport, forecast: &Forecast) -> String {
    let free = forecast.free.map_or_else(String::new, |free| format!(", {} free", bytes(free)));
    let emulated = if forecast.device.emulated { ", emulated" } else { "" };
    let launch = forecast.launch;
    let mut text = format!("{}  {}{emulated}, {launch}{free}\n\n", device.label, forecast.device.name);
    let mut rows = vec![row(["memory", "weights", "mapped", "derived", "arenas", "data", "peak"])];
    for phase in &forecast.phases {
        let cells =
            [phase.weights, phase.mapped, phase.derived, phase.arenas, phase.data, phase.peak].map(bytes);
        rows.push([vec![phase_name(phase.phase).to_owned()], cells.to_vec()].concat());
    }
    text.push_str(&table("  ", 1, &rows));
    text.push('\n');
    for line in verdict(device, forecast) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn verdict(device: &DeviceReport, forecast: &Forecast) -> Vec<String> {
    let [peak, mapped] = [bytes(forecast.peak), bytes(forecast.mapped)];
    let mut lines = vec![match forecast.fit {
        Fit::Fits => format!("fits: {peak} at most"),
        Fit::Rereads => format!(
            "fits, but slowly: {peak} at most, and {mapped} of weights that are read from disk again in every step"
        ),
        Fit::DoesNotFit => {
            format!(
                "does not fit: it needs {peak}, {} are free",
                forecast.free.map_or_else(String::new, bytes)
            )
        }
        Fit::Unknown => format!("{peak} at most; the device does not say what is free"),
    }];
    if let Some(tiles) = &forecast.tiles {
        let whole =
            forecast.whole.map_or_else(String::new, |peak| format!("; whole it would need {}", bytes(peak)));
        lines.push(format!("decoding in {tiles}{whole}"));
    }
    if !forecast.exact {
        lines.push("the device does not plan ahead: memory is that of a cautious plan".into());
    }
    lines.extend(device.alternatives.iter().map(|other| format!("would fit: {other}")));
    match &forecast.prediction {
        Some(prediction) => lines.extend(times(prediction)),
        None => lines.push("no prediction of time: the device does not state its peak".into()),
    }
    lines.push(match &device.measured {
        Some(timing) => {
            format!("measured on {}: {} a step", day(timing.at), seconds(timing.seconds_per_step))
        }
        None => "measured: not yet, at these settings".into(),
    });
    lines
}

fn times(prediction: &Prediction) -> [String; 2] {
    let rates = &prediction.rates;
    [
        format!(
            "at least {} a step, {} in all (encoding {}, decoding {} a picture)",
            seconds(prediction.step),
            seconds(prediction.total),
            seconds(prediction.encoding),
            seconds(prediction.decoding)
        ),
        format!(
            "  by a peak of {} and {} ({})",
            count(rates.flops_per_second, "FLOP/s"),
            count(rates.bytes_per_second, "B/s"),
            rates.basis
        ),
    ]
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::TextEncoding => "text encoding",
        Phase::ImageEncoding => "image encoding",
        Phase::Conditioning => "conditioning",
        Phase::Denoising => "denoising",
        Phase::Decoding => "decoding",
    }
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
