//! Every kernel against a loop in f64, at odd shapes, on strided views, in the three floating-point dtypes.

mod attention;
mod casting;
mod contraction;
mod convolution;
mod elementwise;
mod functions;
mod moving;
mod normal;
mod passes;
mod rates;
mod reduction;
pub(super) mod support;
