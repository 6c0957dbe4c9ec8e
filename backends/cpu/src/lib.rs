//! The CPU plugin: the embedded default and the reference.
