//! What the environment asks for.

/// The variable that describes the pretended device.
pub(crate) const MACHINE: &str = "TINTYPE_ROCM_DOUBLE";
/// The variable that names the log file.
pub(crate) const LOG: &str = "TINTYPE_ROCM_DOUBLE_LOG";
/// The variable that names NVIDIA's driver, to run kernels for real.
pub(crate) const FORWARD: &str = "TINTYPE_ROCM_DOUBLE_FORWARD";
/// The variable that names NVRTC where the loader does not find it.
pub(crate) const NVRTC: &str = "TINTYPE_ROCM_DOUBLE_NVRTC";

/// The pretended device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// `gcnArchName`
    pub(crate) arch: String,
    /// What `hipInit` answers; 0 is success.
    pub(crate) init: i32,
    /// `hipRuntimeGetVersion`
    pub(crate) version: i32,
    /// Whether there is no device.
    pub(crate) no_device: bool,
    /// Whether hipBLASLt takes no product.
    pub(crate) no_products: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { arch: "gfx1100".into(), init: 0, version: 70_051_831, no_device: false, no_products: false }
    }
}

impl Config {
    /// Reads `arch=NAME`, `init=STATUS`, `version=N` and the words `no_device` and `no_products`, between commas. A complaint makes `hipInit` fail.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut config = Self::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let number = |value: &str| value.parse::<i32>().ok();
            let known = match item.split_once('=') {
                Some(("arch", value)) => {
                    config.arch = value.into();
                    Some(())
                }
                Some(("init", value)) => number(value).map(|value| config.init = value),
                Some(("version", value)) => number(value).map(|value| config.version = value),
                None if item == "no_device" => {
                    config.no_device = true;
                    Some(())
                }
                None if item == "no_products" => {
                    config.no_products = true;
                    Some(())
                }
                _ => None,
            };
            known.ok_or_else(|| {
                format!("{MACHINE}: `{item}` is not understood; write arch=NAME, init=STATUS, version=N, no_device or no_products")
            })?;
        }
        Ok(config)
    }

    /// Threads of a wave.
    pub(crate) fn wave(&self) -> u32 {
        if self.arch.starts_with("gfx9") { 64 } else { 32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_asked_and_refuses_what_it_does_not_know() {
        let config = Config::parse("arch=gfx942:sramecc+:xnack-, init=3,version=60342134").unwrap();
        assert_eq!((config.arch.as_str(), config.wave()), ("gfx942:sramecc+:xnack-", 64));
        assert_eq!((config.init, config.version, config.no_device), (3, 60_342_134, false));
        assert!(Config::parse("no_device").unwrap().no_device);
        for text in ["cards=2", "fast", "init=x"] {
            assert!(Config::parse(text).unwrap_err().contains("is not understood"), "{text}");
        }
    }
}
