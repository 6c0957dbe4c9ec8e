//! A convolution and its bias as a graph.

use super::descriptor::Descriptor;
use super::graph::Graph;
use super::table::Table;
use super::tensor::{FLOAT, Place, Shape};
use super::values::{CROSS_CORRELATION, attribute, data, kind, of, pointwise};
use std::sync::Arc;
use tintype_gpu::Convolution;

/// Builds the graph of a convolution, or says why the library does not take it.
pub(super) fn graph(table: &Arc<Table>, op: &Convolution) -> Result<Graph, String> {
    let Convolution { batch, channels, outputs, groups, .. } = *op;
    let ([h, w], [kh, kw], [oh, ow]) = (op.input, op.kernel, op.output());
    if [batch, h, w, channels, outputs, kh, kw, oh, ow].contains(&0) {
        return Err("cuDNN takes no empty convolution".into());
    }
    if groups == 0 || channels % groups != 0 || outputs % groups != 0 {
        return Err(format!("{groups} groups do not divide {channels} channels and {outputs} outputs"));
    }
    if op.stride.contains(&0) || op.dilation.contains(&0) {
        return Err("a stride or dilation of 0".into());
    }
    if [kh, kw] == [1, 1] && op.bias && !channels.is_multiple_of(8) {
        // Seen with cuDNN 9.14 on an H100, bf16, 5 channels to 3: the engine that takes it rounds the sum before it adds the
        // bias, though the sum is declared f32.
        return Err(format!("cuDNN rounds twice where {channels} channels are summed and a bias is added"));
    }
    let dtype = data(op.dtype)?;
    let mut graph = Graph::new(table);
    let x = graph.tensor(Shape::channels_last([batch, h, w, channels]), dtype, Place::Address(0))?;
    let weight = Shape::channels_last([outputs, kh, kw, channels / groups]);
    let weight = graph.tensor(weight, dtype, Place::Address(1))?;
    let result = Shape::channels_last([batch, oh, ow, outputs]);
    let how = describe(table, op)?;
    if !op.bias {
        let y = graph.tensor(result, dtype, Place::Address(2))?;
        graph.convolution(how, x, weight, y)?;
        return Ok(graph);
    }
    let y = graph.tensor(result, dtype, Place::Address(3))?;
    let sum = graph.tensor(result, FLOAT, Place::Virtual)?;
    let bias = graph.tensor(Shape::channels_last([1, 1, 1, outputs]), dtype, Place::Address(2))?;
    graph.convolution(how, x, weight, sum)?;
    graph.pointwise(pointwise::ADD, sum, Some(bias), y)?;
    Ok(graph)
}

/// Steps, padding and precision.
fn describe(table: &Arc<Table>, op: &Convolution) -> Result<Descriptor, String> {
    let long = |values: [usize; 2]| values.map(|value| value as i64);
    let how = Descriptor::new(table, kind::CONVOLUTION)?;
    how.set(attribute::CONVOLUTION_PRECISION, of::DATA_TYPE, &[FLOAT])?;
    how.set(attribute::CONVOLUTION_MODE, of::CONVOLUTION_MODE, &[CROSS_CORRELATION])?;
    how.set(attribute::CONVOLUTION_AXES, of::I64, &[2i64])?;
    how.set(attribute::CONVOLUTION_DILATIONS, of::I64, &long(op.dilation))?;
    how.set(attribute::CONVOLUTION_STRIDES, of::I64, &long(op.stride))?;
    how.set(attribute::CONVOLUTION_BEFORE, of::I64, &long(op.padding.map(|[before, _]| before)))?;
    how.set(attribute::CONVOLUTION_AFTER, of::I64, &long(op.padding.map(|[_, after]| after)))?;
    how.finalize("describing a convolution's steps")
}
