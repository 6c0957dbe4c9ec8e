//! A library's functions as a table: all symbols are looked up before the first call, and a status is a plain number, of which
//! a newer library may have ones that no header lists.

/// A call that a library answered with something other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The function, as the vendor calls it.
    pub call: &'static str,
    /// The number that it returned, never 0.
    pub code: i32,
}

/// The name that a vendor has for a function: its own where `both` gives none, else CUDA's or HIP's.
#[doc(hidden)]
pub const fn name_of(own: &'static str, both: &[&'static str], dialect: crate::Dialect) -> &'static str {
    match (both, dialect) {
        ([cuda, _], crate::Dialect::Cuda) => cuda,
        ([_, hip], crate::Dialect::Hip) => hip,
        _ => own,
    }
}

/// Declares a table: `table! { /// Doc. pub struct Api { function(argument: Type, ...); ... } }`. A function that CUDA and HIP
/// have alike is written `neutral["cuName", "hipName"](argument: Type, ...);`.
///
/// `Api::load` looks every function up and lists those that are not there. Each function becomes a method that gives
/// `Err(Status)` for any number but 0.
#[macro_export]
macro_rules! table {
    ($(#[$meta:meta])* $vis:vis struct $table:ident {
        $($name:ident $([$cuda:literal, $hip:literal])? ($($arg:ident: $ty:ty),* $(,)?);)*
    }) => {
        $(#[$meta])*
        #[allow(non_snake_case)]
        $vis struct $table {
            dialect: $crate::Dialect,
            $($name: unsafe extern "C" fn($($ty),*) -> i32,)*
        }

        #[allow(non_snake_case, clippy::too_many_arguments)]
        impl $table {
            /// The table, or the names of the functions that the library lacks.
            $vis fn load(
                library: &'static libloading::Library,
                dialect: $crate::Dialect,
            ) -> Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    let name = $crate::driver::name_of(stringify!($name), &[$($cuda, $hip)?], dialect);
                    // SAFETY: the type is the function's in the vendor's header, with its status as the `int` that C
                    // returns it as.
                    let found = unsafe { library.get::<unsafe extern "C" fn($($ty),*) -> i32>(name.as_bytes()) };
                    let $name = found.ok().map(|symbol| *symbol);
                    if $name.is_none() {
                        missing.push(name);
                    }
                )*
                match ($($name,)*) {
                    ($(Some($name),)*) => Ok(Self { dialect, $($name,)* }),
                    _ => Err(missing),
                }
            }

            $(
                /// As the vendor documents it.
                ///
                /// # Errors
                ///
                /// Any status but success.
                ///
                /// # Safety
                ///
                /// What the vendor asks of the arguments: handles that are alive, pointers that may be read or written
                /// for as long as the call uses them.
                $vis unsafe fn $name(&self, $($arg: $ty),*) -> Result<(), $crate::driver::Status> {
                    // SAFETY: the caller vouches for the arguments; the library is never closed.
                    let code = unsafe { (self.$name)($($arg),*) };
                    let call = $crate::driver::name_of(stringify!($name), &[$($cuda, $hip)?], self.dialect);
                    if code == 0 { Ok(()) } else { Err($crate::driver::Status { call, code }) }
                }
            )*
        }
    };
}
pub use table;
