//! Programs: tensor computations that are traced once, and compiled by whichever plugin runs them.
//!
//! A model is a plain function over [`Value`]s. Tracing it records operations, infers shapes and dtypes, and names
//! parameters as published checkpoints do; nothing is computed.
//!
//! ```
//! use tintype_program::{DType, Program, TensorType};
//!
//! let program = Program::trace("mlp", |scope| {
//!     let x = scope.input("x", TensorType::new(DType::F32, [4, 8]))?;
//!     // One block, traced once and called twice with its own parameters each time.
//!     let layer = scope.block("layer", &[x.ty()], |scope, x| {
//!         let y = x[0].linear(&scope.param("weight", &[8, 8])?, Some(&scope.param("bias", &[8])?))?;
//!         Ok(vec![(&y.silu()? + &x[0])?])
//!     })?;
//!     let y = layer.call(&scope.child("layers.0"), &[&x])?;
//!     let y = layer.call(&scope.child("layers.1"), &[&y[0]])?;
//!     scope.output("y", &y[0])
//! })?;
//! assert_eq!(program.blocks.len(), 2);
//! assert_eq!(program.entry().params[2].name, "layers.1.weight");
//! # Ok::<(), tintype_program::Error>(())
//! ```
//!
//! A [`Program`] is data: blocks of operations in static single assignment form ([`Block`], [`Op`]), each with a
//! [`BlockHash`] that no call site changes. [`passes`] are functions from Program to Program; [`memory`] plans an
//! arena; [`cost`] counts FLOPs and bytes. Layout is no part of it: that is the plugin's business.

#![forbid(unsafe_code)]

mod block;
mod check;
pub mod cost;
mod display;
mod dtype;
mod encoding;
mod error;
mod hash;
mod infer;
pub mod memory;
mod op;
pub mod passes;
mod program;
mod source;
mod template;
mod tensor;
pub mod trace;

pub use block::{Block, BlockId, Node, Param, Port, State, ValueId};
pub use dtype::DType;
pub use encoding::{EncodedLayout, Encoding, Fp8Format, ScaleGranularity};
pub use error::{Error, Result};
pub use hash::BlockHash;
pub use infer::infer;
pub use op::{Activation, Attribute, Binary, GeluForm, Op, PadMode, Pairing, Reduce, Unary};
pub use program::{FORMAT_VERSION, Program};
pub use source::Source;
pub use template::Template;
pub use tensor::{MAX_RANK, Shape, TensorType, broadcast_shapes, contiguous_strides};
pub use trace::{Scope, Value, concat};
