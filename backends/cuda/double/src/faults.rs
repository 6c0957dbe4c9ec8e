//! Faults to inject: the nth call of a function gives a status, at once or behind the caller's back.

/// One fault that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    /// Exact exported name, or `*` for any.
    function: String,
    /// Calls left until it strikes; 1 is the next.
    left: u64,
    status: u32,
    later: bool,
}

/// What strikes a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// The call itself gives this status and does nothing.
    Now(u32),
    /// The call succeeds; the status surfaces at the next launch or wait and stays.
    Later(u32),
}

/// The faults that wait.
#[derive(Debug, Default)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Reads `function:nth:status` items between commas; a fourth part `async` makes it surface later.
    pub fn parse(text: &str) -> Result<Faults, String> {
        let mut faults = Faults::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let parts: Vec<&str> = item.split(':').collect();
            let later = parts.len() == 4 && parts[3] == "async";
            let numbers =
                (parts.get(1).and_then(|n| n.parse().ok()), parts.get(2).and_then(|n| n.parse().ok()));
            match numbers {
                (Some(nth), Some(status)) if parts.len() == 3 || later => {
                    faults.add(parts[0], nth, status, later)
                }
                _ => {
                    return Err(format!(
                        "{}: `{item}` is not function:nth:status or function:nth:status:async",
                        crate::config::FAIL
                    ));
                }
            }
        }
        Ok(faults)
    }

    /// The `nth` call from now (1 is the next) gives `status`.
    pub fn add(&mut self, function: &str, nth: u64, status: u32, later: bool) {
        self.0.push(Fault { function: function.into(), left: nth.max(1), status, later });
    }

    /// Counts a call and says what strikes it.
    pub fn strike(&mut self, function: &str) -> Option<Strike> {
        let mut struck = None;
        for fault in self.0.iter_mut().filter(|fault| fault.function == function || fault.function == "*") {
            fault.left -= 1;
            if fault.left == 0 {
                struck =
                    Some(if fault.later { Strike::Later(fault.status) } else { Strike::Now(fault.status) });
            }
        }
        self.0.retain(|fault| fault.left > 0);
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_nth_call_once() {
        let mut faults = Faults::parse("cuMemAlloc_v2:2:2, cuLaunchKernel:1:719:async").unwrap();
        let struck: Vec<_> = (0..3).map(|_| faults.strike("cuMemAlloc_v2")).collect();
        assert_eq!(struck, [None, Some(Strike::Now(2)), None]);
        assert_eq!(faults.strike("cuLaunchKernel"), Some(Strike::Later(719)));
    }

    #[test]
    fn refuses_what_is_not_a_fault() {
        for text in ["cuInit", "cuInit:1", "cuInit:x:2", "cuInit:1:2:soon", "cuInit:1:2:async:3"] {
            assert!(Faults::parse(text).is_err(), "{text}");
        }
    }
}
