//! What the environment asks for: the devices to pretend, the state of the driver.

/// The variable that describes the pretended machine.
pub const MACHINE: &str = "TINTYPE_CUDA_DOUBLE";
/// The variable that names the log file.
pub const LOG: &str = "TINTYPE_CUDA_DOUBLE_LOG";
/// The variable that lists faults.
pub const FAIL: &str = "TINTYPE_CUDA_DOUBLE_FAIL";
/// The variable that names the real driver to forward to.
pub const FORWARD: &str = "TINTYPE_CUDA_DOUBLE_FORWARD";

/// The pretended machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// How many devices; 0 makes `cuInit` answer "no device".
    pub devices: i32,
    /// Memory of each, in bytes.
    pub memory: u64,
    /// Compute capability times ten: 90 is 9.0.
    pub capability: u32,
    /// `cuDriverGetVersion`.
    pub driver: i32,
    /// Name of each device.
    pub name: String,
    /// The device is held by another process: no context can be had.
    pub busy: bool,
    /// What `cuInit` answers whatever else is said; 0 is success.
    pub init: u32,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            devices: 1,
            memory: 80 << 30,
            capability: 90,
            driver: 13000,
            name: "Tintype software double".into(),
            busy: false,
            init: 0,
        }
    }
}

impl Config {
    /// Reads `key=value` items and the words `no_device`, `old_driver`, `busy` and `mismatch`, between commas.
    pub fn parse(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            config.set(item).ok_or_else(|| {
                format!(
                    "{MACHINE}: `{item}` is not understood; write devices=N, memory=NGiB, capability=NN, driver=NNNNN, \
                     name=TEXT, init=STATUS, no_device, old_driver, busy or mismatch"
                )
            })?;
        }
        Ok(config)
    }

    fn set(&mut self, item: &str) -> Option<()> {
        match item.split_once('=') {
            None => match item {
                "no_device" => self.devices = 0,
                "old_driver" => self.driver = 11040,
                "busy" => self.busy = true,
                "mismatch" => self.init = crate::status::SYSTEM_DRIVER_MISMATCH,
                _ => return None,
            },
            Some(("devices", value)) => self.devices = value.parse().ok().filter(|n| (0..=64).contains(n))?,
            Some(("memory", value)) => self.memory = bytes(value)?,
            Some(("capability", value)) => self.capability = value.parse().ok()?,
            Some(("driver", value)) => self.driver = value.parse().ok()?,
            Some(("name", value)) => self.name = value.into(),
            Some(("init", value)) => self.init = value.parse().ok()?,
            Some(_) => return None,
        }
        Some(())
    }

    /// Shared memory of one multiprocessor, and the most that one block may opt in to, in bytes.
    pub fn shared_memory(&self) -> (u32, u32) {
        let per_sm = match self.capability {
            90 | 100 | 103 => 228,
            80 | 87 => 164,
            75 => 64,
            _ => 100,
        };
        (per_sm << 10, if self.capability < 80 { per_sm << 10 } else { (per_sm - 1) << 10 })
    }
}

/// `80GiB`, `512MiB`, `4KiB` or a plain number of bytes.
fn bytes(text: &str) -> Option<u64> {
    let (number, shift) = [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .iter()
        .find_map(|(unit, shift)| text.strip_suffix(unit).map(|number| (number, *shift)))
        .unwrap_or((text, 0));
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_asked() {
        let config =
            Config::parse("devices=2, memory=24GiB,capability=120,driver=12080,name=Card,busy").unwrap();
        assert_eq!((config.devices, config.memory, config.capability), (2, 24 << 30, 120));
        assert_eq!((config.driver, config.name.as_str(), config.busy), (12080, "Card", true));
        assert_eq!(Config::parse("").unwrap(), Config::default());
        assert_eq!(Config::parse("no_device").unwrap().devices, 0);
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for text in ["memory=lots", "cards=2", "devices=-1", "memory=99999999999999GiB", "fast"] {
            assert!(Config::parse(text).unwrap_err().contains("is not understood"), "{text}");
        }
    }
}
