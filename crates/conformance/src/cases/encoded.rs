//! Encoded parameters: decoded on their own, and read by linear layers and called blocks.

use super::making::{FLOATS, encoded, input, param, source};
use super::{Case, Fill, Tolerance};
use tintype_program::{Activation, DType, Encoding, Fp8Format, Op, Result, ScaleGranularity, TensorType};

fn encodings() -> Vec<Encoding> {
    let formats = Fp8Format::ALL;
    let scales = [ScaleGranularity::Tensor, ScaleGranularity::Row, ScaleGranularity::Block { size: 24 }];
    let mut encodings: Vec<_> = formats
        .into_iter()
        .flat_map(|format| scales.map(|scales| Encoding::Fp8 { format, scales }))
        .collect();
    // Blocks of 32 run across the ends of rows of 48.
    encodings.extend([Encoding::Nf4 { block: 16 }, Encoding::Nf4 { block: 32 }]);
    encodings
}

fn name(encoding: &Encoding) -> String {
    match encoding {
        Encoding::Plain => "plain".into(),
        Encoding::Fp8 { format, scales } => format!("{format:?} {scales:?}"),
        Encoding::Nf4 { block } => format!("NF4 {block}"),
    }
}

pub(super) fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for dtype in FLOATS {
        for encoding in encodings() {
            let weight = encoded(dtype, &[6, 48], encoding.clone());
            let tolerance = Tolerance::rounded(dtype);
            cases.push(Case::of_op(
                Op::Decode,
                dtype,
                &name(&encoding),
                std::slice::from_ref(&weight),
                tolerance,
            )?);
            for with_bias in [false, true] {
                let mut operands = vec![input(dtype, &[5, 48]), weight.clone()];
                operands.extend(with_bias.then(|| param(dtype, &[6])));
                let op = Op::Linear { activation: Activation::Keep };
                let detail = format!("{}{}", name(&encoding), if with_bias { " bias" } else { "" });
                // A kernel may decode the weight to the dtype before it multiplies.
                let tolerance = Tolerance::sum(dtype, 49).and_roundings(dtype, 1);
                let mut case = Case::of_op(op, dtype, &detail, &operands, tolerance)?;
                case.group = "linear encoded";
                case.name = format!("linear encoded {dtype} {detail}");
                cases.push(case);
            }
        }
        cases.extend(dynamic(dtype)?);
        cases.push(called(dtype)?);
    }
    Ok(cases)
}

/// Activations rounded to fp8 as they come, over plain and encoded weights.
fn dynamic(dtype: DType) -> Result<Vec<Case>> {
    let fp8 = |scales| Encoding::Fp8 { format: Fp8Format::E4m3, scales };
    let mut cases = Vec::new();
    for encoding in [Encoding::Plain, fp8(ScaleGranularity::Tensor), fp8(ScaleGranularity::Row)] {
        // Tensor cores want extents of 16.
        for (rows, outputs, detail) in [(5, 6, ""), (1, 6, " one row"), (5, 16, " 16 outputs")] {
            let operands = [
                input(dtype, &[rows, 48]),
                encoded(dtype, &[outputs, 48], encoding.clone()),
                param(dtype, &[outputs]),
            ];
            let op = Op::Linear { activation: Activation::DynamicFp8 };
            let detail = format!("{}{detail}", name(&encoding));
            let tolerance = Tolerance::sum(dtype, 51).and_roundings(dtype, 1);
            let mut case =
                Case::of_op(op, dtype, &detail, &operands, tolerance)?.filled("x0", Fill::NearCodes);
            case.group = "linear dynamic fp8";
            case.name = format!("linear dynamic fp8 {dtype} {detail}");
            cases.push(case);
        }
    }
    let op = Op::Linear { activation: Activation::DynamicFp8 };
    let operands = [input(dtype, &[3, 8]), param(dtype, &[2, 8])];
    let mut zeros = Case::of_op(op, dtype, "rows of zeros", &operands, Tolerance::EXACT)?;
    zeros.group = "linear dynamic fp8";
    cases.push(zeros.filled("x0", Fill::Cycle(vec![0.0])));
    Ok(cases)
}

/// Encoded weights handed on to a block that is called twice.
fn called(dtype: DType) -> Result<Case> {
    let encoding = Encoding::Fp8 { format: Fp8Format::E4m3, scales: ScaleGranularity::Row };
    let tolerance = Tolerance::sum(dtype, 64).and_roundings(dtype, 4);
    Case::traced("linear encoded", dtype, "in a called block", tolerance, |scope| {
        let scope = scope.with_dtype(dtype);
        let x = scope.input("x", TensorType::new(dtype, [3, 32]))?;
        let layer = scope.block("layer", &[x.ty()], |scope, x| {
            let ty = TensorType::new(dtype, [32, 32]);
            let weight =
                scope.param_from("weight", ty, encoding.clone(), Some(source("weight", &encoding)))?;
            Ok(vec![x[0].linear(&weight, None)?])
        })?;
        let y = layer.call(&scope.child(0), &[&x])?;
        scope.output("y", &layer.call(&scope.child(1), &[&y[0]])?[0])
    })
}
