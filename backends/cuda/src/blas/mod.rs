//! Matrix products by cuBLASLt.
