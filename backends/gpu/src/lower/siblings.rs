//! Launches of one kernel that stand side by side, as one launch.
//!
//! Query and key are normed and turned by one kernel each, and where two sequences meet there are four such launches in a
//! row. As one launch they start once, and the last blocks of one run beside the first of the next.

use crate::plan::{Action, Span, Step};
use crate::{Arg, KernelSource, Launch};
use std::fmt::Write;
use tintype_program::memory::Home;

/// As many are joined at most: each adds its addresses to the kernel's parameters.
const MOST: usize = 4;
/// As many parameters they have together at most.
const PARAMETERS: usize = 96;

/// Joins neighbouring launches of one kernel where none needs what another writes. The steps stay in their order.
pub(super) fn join(steps: Vec<Step>) -> Vec<Step> {
    let mut joined = Vec::with_capacity(steps.len());
    let mut siblings: Vec<Step> = Vec::new();
    for step in steps {
        let goes = siblings.len() < MOST && siblings.iter().all(|earlier| goes_with(earlier, &step));
        if !goes {
            settle(&mut siblings, &mut joined);
        }
        siblings.push(step);
    }
    settle(&mut siblings, &mut joined);
    joined
}

/// Hands on what was gathered: as one step where that can be.
fn settle(siblings: &mut Vec<Step>, joined: &mut Vec<Step>) {
    let whole = if siblings.len() > 1 { together(siblings) } else { None };
    match whole {
        Some(step) => {
            siblings.clear();
            joined.push(step);
        }
        None => joined.append(siblings),
    }
}

/// Whether two steps launch one kernel, and may do so in any order.
fn goes_with(a: &Step, b: &Step) -> bool {
    let (Action::Launch(one), Action::Launch(other)) = (&a.action, &b.action) else { return false };
    let alike = one.kernel == other.kernel && one.block == other.block && one.shared == other.shared;
    let flat = [one, other].iter().all(|launch| launch.grid[1..] == [1, 1]);
    let clear = |writes: &[Span], others: &[Span]| {
        writes.iter().all(|write| others.iter().all(|other| apart(write, other)))
    };
    alike && flat && clear(&a.writes, &b.reads) && clear(&a.writes, &b.writes) && clear(&b.writes, &a.reads)
}

/// Whether two spans share no byte, as far as a block can tell: of an argument and a result it cannot.
fn apart(a: &Span, b: &Span) -> bool {
    let from = |span: &Span| match span.home {
        Home::Arena(start) => start + span.offset,
        Home::Argument(_) | Home::Result(_) => span.offset,
    };
    let disjoint = from(a) + a.bytes <= from(b) || from(b) + b.bytes <= from(a);
    match (a.home, b.home) {
        (Home::Arena(_), Home::Arena(_)) => disjoint,
        (Home::Argument(one), Home::Argument(other)) | (Home::Result(one), Home::Result(other)) => {
            one != other || disjoint
        }
        (Home::Arena(_), _) | (_, Home::Arena(_)) => true,
        (Home::Argument(_), Home::Result(_)) | (Home::Result(_), Home::Argument(_)) => false,
    }
}

/// One step that does what several do. `None` for a kernel that asks for more than the number of its block.
fn together(steps: &[Step]) -> Option<Step> {
    let launches: Vec<&Launch> = steps
        .iter()
        .map(|step| match &step.action {
            Action::Launch(launch) => Some(launch),
            _ => None,
        })
        .collect::<Option<_>>()?;
    let first = launches.first()?;
    let kernel = Parts::of(&first.kernel)?;
    if launches.iter().any(|launch| launch.args.len() != kernel.parameters.len()) {
        return None;
    }
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let place = |spans: &mut Vec<Span>, span: Span| {
        let known = spans.iter().position(|known| *known == span);
        known.unwrap_or_else(|| {
            spans.push(span);
            spans.len() - 1
        })
    };
    // By launch, the arguments in their places among all spans.
    let mut args = Vec::with_capacity(steps.len());
    for (step, launch) in steps.iter().zip(&launches) {
        let placed = launch.args.iter().map(|arg| match *arg {
            Arg::Read(i) => Some(Arg::Read(place(&mut reads, *step.reads.get(i)?))),
            Arg::Write(i) => Some(Arg::Write(place(&mut writes, *step.writes.get(i)?))),
            plain => Some(plain),
        });
        args.push(placed.collect::<Option<Vec<Arg>>>()?);
    }
    let differs: Vec<bool> =
        (0..kernel.parameters.len()).map(|i| args.iter().any(|own| own[i] != args[0][i])).collect();
    let mut passed = Vec::new();
    for (i, &differs) in differs.iter().enumerate() {
        passed.extend(args.iter().take(if differs { steps.len() } else { 1 }).map(|own| own[i]));
    }
    let mut end = 0u32;
    for launch in &launches {
        end = end.checked_add(launch.grid[0])?;
        passed.push(Arg::I32(i32::try_from(end).ok()?));
    }
    // Past the last there is nothing.
    passed.pop();
    if passed.len() > PARAMETERS {
        return None;
    }
    let launch = Launch {
        kernel: kernel.several(&first.kernel.entry, steps.len(), &differs),
        grid: [end, 1, 1],
        args: passed,
        ..(*first).clone()
    };
    Some(Step { name: steps[0].name.clone(), action: Action::Launch(launch), reads, writes })
}

/// A kernel's text taken apart.
struct Parts<'t> {
    /// What stands before it.
    before: &'t str,
    /// Between its type and its name.
    bounds: &'t str,
    /// Types and names.
    parameters: Vec<(&'t str, &'t str)>,
    /// From behind the opening brace on.
    body: &'t str,
}

impl<'t> Parts<'t> {
    fn of(kernel: &'t KernelSource) -> Option<Self> {
        let (before, rest) = kernel.code.split_once("KERNEL void ")?;
        let (bounds, rest) = rest.split_once(&format!("{}(", kernel.entry))?;
        let (parameters, body) = rest.split_once(") {")?;
        let parameters = parameters.split(", ").map(|parameter| parameter.rsplit_once(' '));
        let parameters = parameters.collect::<Option<Vec<_>>>()?;
        // A part knows its block's number along x, and of the grid nothing.
        let more = ["KERNEL", "gridDim", "blockIdx.y", "blockIdx.z"];
        let simple = !more.iter().any(|word| body.contains(word));
        simple.then_some(Self { before, bounds, parameters, body })
    }

    /// A kernel that does the same for `count` lists of arguments, whose blocks follow one another. Where they differ each has
    /// its own parameter; at last come the numbers of the blocks that the second, the third and so on begin with.
    fn several(&self, entry: &str, count: usize, differs: &[bool]) -> KernelSource {
        let Self { before, bounds, parameters, body } = self;
        let entry = format!("{entry}_x{count}");
        let body = body.strip_prefix('\n').unwrap_or(body).replace("blockIdx.x", "part_block");
        let (mut taken, mut own) = (Vec::new(), String::new());
        for ((ty, name), differs) in parameters.iter().zip(differs) {
            if *differs {
                let each: Vec<String> = (0..count).map(|i| format!("{name}_of{i}")).collect();
                taken.extend(each.iter().map(|each| format!("{ty} {each}")));
                // Not every kernel looks at all of its arguments.
                if mentions(&body, name) {
                    let _ = writeln!(own, "    {ty} {name} = {};", pick(&each));
                }
            } else {
                taken.push(format!("{ty} {name}"));
            }
        }
        let starts: Vec<String> = (1..count).map(|i| format!("part_start{i}")).collect();
        taken.extend(starts.iter().map(|start| format!("u32 {start}")));
        let reached: Vec<String> = starts.iter().map(|start| format!("(blockIdx.x >= {start})")).collect();
        let begun = [&["0u".to_string()][..], &starts].concat();
        let code = format!(
            "{before}KERNEL void {bounds}{entry}({}) {{
    const int part = {};
    const u32 part_block = blockIdx.x - ({});
{own}{body}",
            taken.join(", "),
            reached.join(" + "),
            pick(&begun),
        );
        KernelSource { entry, code: code.into() }
    }
}

/// Whether a name stands in a text as a word of its own.
fn mentions(text: &str, name: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|word| word == name)
}

/// The one that belongs to `part`.
fn pick(names: &[String]) -> String {
    let Some((last, others)) = names.split_last() else { return String::new() };
    let others = others.iter().enumerate().map(|(i, name)| format!("part == {i} ? {name} : "));
    others.collect::<String>() + last
}

#[cfg(test)]
#[path = "siblings/tests.rs"]
mod tests;
