//! Where the vendor's libraries are.
