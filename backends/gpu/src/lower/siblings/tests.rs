use super::*;
use tintype_program::DType;

fn step(from: usize, to: usize, code: &str) -> Step {
    let kernel = KernelSource { entry: "twice".into(), code: code.into() };
    let args = vec![Arg::Write(0), Arg::Read(0), Arg::I32(64), Arg::I32(from as i32)];
    let launch = Launch { kernel, grid: [2, 1, 1], block: [32, 1, 1], shared: 0, args };
    let span = |at| Span { home: Home::Arena(at), offset: 0, bytes: 64 * DType::F32.size(), least: 0 };
    Step {
        name: "twice".into(),
        action: Action::Launch(launch),
        reads: vec![span(from)],
        writes: vec![span(to)],
    }
}

const CODE: &str =
    "KERNEL void __launch_bounds__(32) twice(float* to, const float* __restrict__ from, u32 n, u32 skip) {
    const u32 i = blockIdx.x * 32 + threadIdx.x;
    if (i < n) to[i] = 2.0f * from[i];
}
";

#[test]
fn launches_that_need_nothing_of_one_another_are_one() {
    let joined = join(vec![step(0, 1024, CODE), step(256, 2048, CODE), step(512, 4096, CODE)]);
    let [Step { action: Action::Launch(launch), reads, writes, .. }] = &joined[..] else {
        panic!("{joined:?}")
    };
    assert_eq!((launch.grid, reads.len(), writes.len()), ([6, 1, 1], 3, 3));
    let code = &launch.kernel.code;
    assert_eq!(launch.kernel.entry, "twice_x3");
    assert!(
        code.contains(
            "KERNEL void __launch_bounds__(32) twice_x3(float* to_of0, float* to_of1, float* to_of2, "
        ),
        "{code}"
    );
    // What is the same for all is passed once.
    assert!(code.contains("from_of2, u32 n, u32 skip_of0, "), "{code}");
    assert!(code.contains("part_block * 32 + threadIdx.x"), "{code}");
    assert_eq!(launch.args.len(), 3 + 3 + 1 + 3 + 2);
    assert_eq!(launch.args[launch.args.len() - 2..], [Arg::I32(2), Arg::I32(4)]);
}

#[test]
fn what_needs_another_waits_for_it() {
    // The second reads what the first writes; the third writes where the second reads; the last is of another kernel.
    for (first, second) in [
        (step(0, 1024, CODE), step(1024, 2048, CODE)),
        (step(0, 1024, CODE), step(256, 1024 + 128, CODE)),
        (step(1024, 2048, CODE), step(0, 1024, CODE)),
        (step(0, 1024, CODE), step(256, 2048, &CODE.replace("2.0f", "3.0f"))),
    ] {
        assert_eq!(join(vec![first, second]).len(), 2);
    }
    let grid = CODE.replace("i < n", "i < n * gridDim.x");
    assert_eq!(join(vec![step(0, 1024, &grid), step(256, 2048, &grid)]).len(), 2);
}

#[test]
fn no_more_than_a_few_are_joined() {
    let joined = join((0..6).map(|i| step(256 * i, 4096 + 256 * i, CODE)).collect());
    let entries = joined.iter().map(|step| match &step.action {
        Action::Launch(launch) => launch.kernel.entry.clone(),
        _ => String::new(),
    });
    assert_eq!(entries.collect::<Vec<_>>(), ["twice_x4", "twice_x2"]);
}
