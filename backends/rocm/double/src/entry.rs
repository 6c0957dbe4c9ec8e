//! The one way in: every exported function goes through [`run`], which counts, fails if told to, and logs.

use crate::state::{self, Strike};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// `hipErrorUnknown`
const UNKNOWN: i32 = 999;

/// Runs a call and answers its status. `beneath` is the function of the driver beneath, for faults that come later. No panic leaves
/// it.
pub(crate) fn run(
    name: &'static str,
    beneath: &str,
    facts: impl FnOnce() -> String,
    work: impl FnOnce() -> Result<i32, (i32, String)>,
) -> i32 {
    let answer = || {
        let (number, struck) = state::lock().begin(name);
        let (status, why) = match struck {
            Some(Strike::Now(status)) => (status, "injected".to_owned()),
            later => {
                if let Some(Strike::Later(status)) = later {
                    crate::control::fail_later_beneath(beneath, status);
                }
                work().map_or_else(|(status, why)| (status, why), |status| (status, String::new()))
            }
        };
        let mut facts = facts();
        if !why.is_empty() {
            facts += &format!(" why=\"{why}\"");
        }
        state::lock().end(number, name, status, &facts);
        status
    };
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| {
        eprintln!("tintype-rocm-double: {name} panicked: a defect of the double");
        UNKNOWN
    })
}

/// Exports functions that are the driver's own under another name: `fn hipName(arguments) = cuName;`, or with what HIP asks beyond
/// it: `fn hipName(arguments) = cuName, asking expression;`, an error where it is not given.
macro_rules! laid {
    ($($(#[doc = $doc:literal])* fn $name:ident($($arg:ident: $ty:ty),* $(,)?) = $cu:literal $(, asking $check:expr)? $(, then $then:expr)?;)*) => {
        $(
            $(#[doc = $doc])*
            #[doc = concat!("HIP's `", stringify!($name), "`.")]
            #[allow(clippy::too_many_arguments, reason = "the vendor's signature")]
            #[unsafe(no_mangle)]
            pub extern "C" fn $name($($arg: $ty),*) -> i32 {
                let facts = || -> String {
                    let all: Vec<String> = vec![$(format!("{}={:?}", stringify!($arg), $arg)),*];
                    all.join(" ")
                };
                $crate::entry::run(stringify!($name), $cu, facts, || {
                    let status = $crate::beneath::enter();
                    if status != 0 {
                        return Ok(status);
                    }
                    $( let asked: Result<(), (i32, String)> = $check; asked?; )?
                    let status = $crate::beneath::cu!($cu($($arg),*) as fn($($ty),*));
                    $( if status == 0 { $then; } )?
                    Ok(status)
                })
            }
        )*
    };
}
pub(crate) use laid;
