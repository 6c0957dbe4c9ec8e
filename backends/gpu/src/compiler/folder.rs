//! Where compiled kernels are kept.

use std::env;
use std::path::PathBuf;

/// `TINTYPE_KERNEL_CACHE`, else `tintype/kernels` in `XDG_CACHE_HOME` or `~/.cache`. Nothing where none of them is set, and
/// where `TINTYPE_KERNEL_CACHE` is empty: then nothing is kept.
pub fn of_user() -> Option<PathBuf> {
    choose(|name| env::var_os(name).map(PathBuf::from))
}

fn choose(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(own) = variable("TINTYPE_KERNEL_CACHE") {
        return (!own.as_os_str().is_empty()).then_some(own);
    }
    // The specification of XDG folders has relative paths ignored.
    let caches = variable("XDG_CACHE_HOME").filter(|path| path.is_absolute());
    let home = || variable("HOME").filter(|path| path.is_absolute()).map(|home| home.join(".cache"));
    Some(caches.or_else(home)?.join("tintype").join("kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(variables: &[(&str, &str)]) -> Option<PathBuf> {
        choose(|name| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_own_variable_goes_before_the_caches_before_home() {
        let all = [("TINTYPE_KERNEL_CACHE", "/k"), ("XDG_CACHE_HOME", "/x"), ("HOME", "/h")];
        assert_eq!(chosen(&all), Some("/k".into()));
        assert_eq!(chosen(&all[1..]), Some("/x/tintype/kernels".into()));
        assert_eq!(chosen(&all[2..]), Some("/h/.cache/tintype/kernels".into()));
        assert_eq!(chosen(&[("TINTYPE_KERNEL_CACHE", ""), ("HOME", "/h")]), None);
        assert_eq!(chosen(&[("XDG_CACHE_HOME", "relative")]), None);
    }
}
