//! The operations that decide a model's time, each alone. `cargo bench -p tintype-benches -- linear` runs some.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a benchmark may fail loudly; criterion's macros make items"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;
use tintype::DType;
use tintype::program::{GeluForm, Program, Result, Scope, TensorType, Value};
use tintype_benches::Operation;

const DTYPES: [DType; 2] = [DType::F32, DType::Bf16];

/// Traces `body` over inputs of these shapes, in each dtype, and times it.
fn time(
    criterion: &mut Criterion,
    group: &str,
    name: &str,
    shapes: &[&[usize]],
    body: impl Fn(&Scope, &[Value]) -> Result<Value>,
) {
    let mut group = criterion.benchmark_group(group);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(20);
    for dtype in DTYPES {
        let program = Program::trace("operation", |scope| {
            let scope = &scope.with_dtype(dtype);
            let input = |(i, shape): (usize, &&[usize])| {
                scope.input(&format!("x{i}"), TensorType::new(dtype, *shape))
            };
            let inputs = shapes.iter().enumerate().map(input).collect::<Result<Vec<_>>>()?;
            scope.output("y", &body(scope, &inputs)?)
        });
        let mut operation = Operation::new(&program.unwrap());
        group.throughput(Throughput::Elements(operation.flops));
        group.bench_function(format!("{name}/{dtype}"), |bencher| bencher.iter(|| operation.run()));
    }
    group.finish();
}

fn linear(criterion: &mut Criterion) {
    for [rows, columns, depth] in [[1152, 1024, 1024], [1152, 4096, 1024], [1, 6144, 1024]] {
        time(criterion, "linear", &format!("{rows}x{columns}x{depth}"), &[&[rows, depth]], |scope, x| {
            x[0].linear(&scope.param("weight", &[columns, depth])?, Some(&scope.param("bias", &[columns])?))
        });
    }
}

fn attention(criterion: &mut Criterion) {
    for [heads, tokens, width] in [[8, 1152, 128], [1, 1024, 512]] {
        let shape: &[usize] = &[1, heads, tokens, width];
        let scale = (width as f64).sqrt().recip();
        time(criterion, "attention", &format!("{heads}x{tokens}x{width}"), &[shape; 3], |_, x| {
            x[0].attention(&x[1], &x[2], None, scale)
        });
    }
}

fn convolution(criterion: &mut Criterion) {
    for [channels, side] in [[512, 32], [256, 128], [128, 256]] {
        time(
            criterion,
            "convolution",
            &format!("{channels}@{side}"),
            &[&[1, channels, side, side]],
            |scope, x| {
                let weight = scope.param("weight", &[channels, channels, 3, 3])?;
                x[0].convolution(
                    &weight,
                    Some(&scope.param("bias", &[channels])?),
                    &[1, 1],
                    &[[1, 1], [1, 1]],
                )
            },
        );
    }
}

fn norms(criterion: &mut Criterion) {
    time(criterion, "layer_norm", "1152x1024", &[&[1, 1152, 1024]], |scope, x| {
        let (weight, bias) = (scope.param("weight", &[1024])?, scope.param("bias", &[1024])?);
        x[0].layer_norm(Some((&weight, &bias)), 1e-6)
    });
    time(criterion, "rms_norm", "9216x128", &[&[9216, 128]], |scope, x| {
        x[0].rms_norm(Some(&scope.param("weight", &[128])?), 1e-6)
    });
    time(criterion, "group_norm", "128@256", &[&[1, 128, 256, 256]], |scope, x| {
        let (weight, bias) = (scope.param("weight", &[128])?, scope.param("bias", &[128])?);
        x[0].group_norm(32, Some((&weight, &bias)), 1e-6)
    });
}

fn elementwise(criterion: &mut Criterion) {
    time(criterion, "gelu", "1152x4096", &[&[1152, 4096]], |_, x| x[0].gelu(GeluForm::Tanh));
    time(criterion, "silu", "128@256", &[&[1, 128, 256, 256]], |_, x| x[0].silu());
    time(criterion, "modulate", "1152x1024", &[&[1152, 1024], &[1, 1024], &[1, 1024]], |_, x| {
        &(&x[0] * &(&x[1] + 1.0)?)? + &x[2]
    });
}

criterion_group!(operations, linear, attention, convolution, norms, elementwise);
criterion_main!(operations);
