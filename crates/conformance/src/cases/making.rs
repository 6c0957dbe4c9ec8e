//! Short ways to write cases down.

use super::{Case, Tolerance};
use tintype_program::{
    Block, DType, Encoding, Error, FORMAT_VERSION, Node, Op, Param, Port, Program, Result, Scope, Source,
    TensorType, infer,
};

/// The floating-point dtypes.
pub(super) const FLOATS: [DType; 3] = [DType::F32, DType::F16, DType::Bf16];

/// An operand of a one-operation Program: an input, or a parameter.
#[derive(Clone)]
pub(super) struct Operand {
    ty: TensorType,
    param: Option<Encoding>,
}

pub(super) fn input(dtype: DType, shape: &[usize]) -> Operand {
    Operand { ty: TensorType::new(dtype, shape), param: None }
}

pub(super) fn param(dtype: DType, shape: &[usize]) -> Operand {
    encoded(dtype, shape, Encoding::Plain)
}

pub(super) fn encoded(dtype: DType, shape: &[usize], encoding: Encoding) -> Operand {
    Operand { ty: TensorType::new(dtype, shape), param: Some(encoding) }
}

/// Where an encoded parameter comes from: it is quantized from a plain tensor of its name.
pub(super) fn source(name: &str, encoding: &Encoding) -> Source {
    match encoding {
        Encoding::Plain => Source::load(name),
        _ => Source::Quantize { encoding: encoding.clone(), of: Box::new(Source::load(name)) },
    }
}

impl Case {
    /// A Program of one operation, over operands `x0`, `x1`, ..., with the output `y`. `detail` tells it apart from
    /// other cases of the operation and dtype.
    pub(super) fn of_op(
        op: Op,
        dtype: DType,
        detail: &str,
        operands: &[Operand],
        tolerance: Tolerance,
    ) -> Result<Case> {
        let group = op.kind();
        let mut block = Block { name: group.into(), ..Block::default() };
        let mut sources = Vec::new();
        let mut inputs = Vec::new();
        for (i, operand) in operands.iter().enumerate() {
            let (name, value) = (format!("x{i}"), block.push_value(operand.ty.clone()));
            inputs.push(value);
            match operand.param.clone() {
                None => block.inputs.push(Port { name, value }),
                Some(encoding) => {
                    sources.push(source(&name, &encoding));
                    block.params.push(Param { name, value, encoding });
                }
            }
        }
        let types: Vec<TensorType> = operands.iter().map(|operand| operand.ty.clone()).collect();
        let invalid = |reason| Error::Invalid { block: group.into(), reason };
        let mut outputs = Vec::new();
        for ty in infer(&op, &types).map_err(invalid)? {
            outputs.push(block.push_value(ty));
        }
        block.outputs = outputs.iter().map(|&value| Port { name: "y".into(), value }).collect();
        block.nodes.push(Node { op, inputs, outputs });
        let program = Program { version: FORMAT_VERSION, blocks: vec![block], sources };
        program.check()?;
        Ok(Case::new(group, dtype, detail, program, tolerance))
    }

    /// A traced Program.
    pub(super) fn traced(
        group: &'static str,
        dtype: DType,
        detail: &str,
        tolerance: Tolerance,
        build: impl FnOnce(&Scope) -> Result<()>,
    ) -> Result<Case> {
        Ok(Case::new(group, dtype, detail, Program::trace(group, build)?, tolerance))
    }
}
