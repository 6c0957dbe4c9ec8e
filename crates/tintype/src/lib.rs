//! Run diffusion models on any accelerator.
