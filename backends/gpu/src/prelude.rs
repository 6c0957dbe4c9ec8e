//! What stands before every kernel's text: element types, conversions and lanes, by dialect.
