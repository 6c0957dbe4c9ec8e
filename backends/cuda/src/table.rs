//! Tables of a vendor library's functions.

/// Declares a struct of functions looked up by name, each of them an `Option`, and a method for each that gives the
/// function or says which library lacks it. Statuses are plain `i32`: a number that no header lists is a number like any
/// other.
macro_rules! table {
    ($(#[$meta:meta])* $name:ident { $($function:ident($($type:ty),* $(,)?) $(-> $result:ty)?;)* }) => {
        $(#[$meta])*
        #[allow(non_snake_case, reason = "the vendor's names")]
        pub(crate) struct $name {
            /// The file and, once known, its version.
            library: String,
            $($function: Option<unsafe extern "C" fn($($type),*) $(-> $result)?>,)*
        }

        #[allow(non_snake_case, clippy::type_complexity, reason = "the vendor's names and signatures")]
        impl $name {
            /// Looks everything up; what is not there is found out when it is called for.
            ///
            /// # Safety
            ///
            /// The library's functions have the signatures listed.
            pub(crate) unsafe fn new(library: &'static libloading::Library, path: &std::path::Path) -> Self {
                Self {
                    library: path.display().to_string(),
                    $(
                        // SAFETY: the caller's promise; the library is never closed.
                        $function: unsafe { library.get(concat!(stringify!($function), "\0").as_bytes()) }
                            .ok()
                            .map(|symbol| *symbol),
                    )*
                }
            }

            /// Adds the version, for messages.
            pub(crate) fn name(&mut self, version: &str) {
                self.library = format!("{} (version {version})", self.library);
            }

            $(
                pub(crate) fn $function(
                    &self,
                ) -> Result<unsafe extern "C" fn($($type),*) $(-> $result)?, String> {
                    self.$function.ok_or_else(|| {
                        format!("{} has no {}: install a newer version", self.library, stringify!($function))
                    })
                }
            )*
        }
    };
}

pub(crate) use table;

/// `91400` as `9.14.0`.
pub(crate) fn version(number: usize) -> String {
    format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100)
}
