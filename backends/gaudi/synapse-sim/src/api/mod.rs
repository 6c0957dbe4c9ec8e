//! The exported functions. Section 4 of the reference has their prototypes, section 5 their statuses.
//!
//! Handles are declared as 64-bit integers: they are opaque, and cross the interface as pointers do.

mod copy;
mod device;
mod event;
mod geometry;
mod graph;
mod information;
mod launch;
mod memory;
mod node;
mod own;
mod properties;
mod recipe;
mod retrieve;
mod section;
mod stream;
mod tensor;
mod unsupported;

/// Declares exported functions. Each runs behind the wall of [`crate::guard::call`].
macro_rules! api {
    ($($(#[doc = $doc:literal])* fn $name:ident($($arg:ident: $kind:ty),* $(,)?) |$facts:ident| $body:block)*) => {
        $(
            $(#[doc = $doc])*
            #[unsafe(no_mangle)]
            #[allow(non_snake_case)]
            pub extern "C" fn $name($($arg: $kind),*) -> i32 {
                crate::guard::call(stringify!($name), |$facts: &mut String| $body)
            }
        )*
    };
}
pub(crate) use api;
