//! The kernels' source and how each is launched. Every function gives a [`crate::Launch`]; operands are numbered in the order
//! in which the function takes them.

pub mod attention;
pub mod convolution;
pub mod copy;
pub mod decode;
pub mod elementwise;
pub mod gather;
pub mod matmul;
pub mod norm;
pub mod pad;
mod pointwise;
pub mod reduce;
pub mod rotary;
pub mod softmax;
mod transpose;
mod unit;
pub mod upsample;
mod walk;
