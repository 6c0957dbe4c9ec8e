//! The kernels' source and how each is launched.
