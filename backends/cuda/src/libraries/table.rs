//! A library's functions as a table.
//!
//! cudarc declares every function too, but resolves each at its first call and panics if it is not there, and returns
//! statuses as Rust enums, in which a code of a newer library is undefined behaviour. So handles and structures are its
//! types, and tables are made here: all symbols are looked up before the first call, and a status is a plain number.

/// A call that a library answered with something other than success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// The function.
    pub(crate) call: &'static str,
    /// The number that it returned, never 0.
    pub(crate) code: i32,
}

/// Declares a table: `table! { /// Doc. pub(crate) struct Api { function(argument: Type, ...); ... } }`.
///
/// `Api::load` looks every function up and lists those that are not there. Each function becomes a method that gives
/// `Err(Status)` for any number but 0.
macro_rules! table {
    ($(#[$meta:meta])* $vis:vis struct $table:ident {
        $($name:ident($($arg:ident: $ty:ty),* $(,)?);)*
    }) => {
        $(#[$meta])*
        #[allow(non_snake_case)]
        $vis struct $table {
            $($name: unsafe extern "C" fn($($ty),*) -> i32,)*
        }

        #[allow(non_snake_case, clippy::too_many_arguments)]
        impl $table {
            /// The table, or the names of the functions that the library lacks.
            $vis fn load(library: &'static libloading::Library) -> Result<Self, Vec<&'static str>> {
                let mut missing = Vec::new();
                $(
                    let symbol = concat!(stringify!($name), "\0").as_bytes();
                    // SAFETY: the type is the function's in the vendor's header, with its status as the `int` that C
                    // returns it as.
                    let found = unsafe { library.get::<unsafe extern "C" fn($($ty),*) -> i32>(symbol) };
                    let $name = found.ok().map(|symbol| *symbol);
                    if $name.is_none() {
                        missing.push(stringify!($name));
                    }
                )*
                match ($($name,)*) {
                    ($(Some($name),)*) => Ok(Self { $($name,)* }),
                    _ => Err(missing),
                }
            }

            $(
                /// As the vendor documents it.
                ///
                /// # Safety
                ///
                /// What the vendor asks of the arguments: handles that are alive, pointers that may be read or written
                /// for as long as the call uses them.
                $vis unsafe fn $name(&self, $($arg: $ty),*) -> Result<(), $crate::libraries::Status> {
                    // SAFETY: the caller vouches for the arguments; the library is never closed.
                    let code = unsafe { (self.$name)($($arg),*) };
                    if code == 0 { Ok(()) } else { Err($crate::libraries::Status { call: stringify!($name), code }) }
                }
            )*
        }
    };
}
pub(crate) use table;
