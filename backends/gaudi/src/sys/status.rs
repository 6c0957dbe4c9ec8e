//! What calls return.

use std::fmt;

/// A `synStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) i32);

impl Status {
    pub(crate) const SUCCESS: Status = Status(0);
    pub(crate) const OUT_OF_DEVICE_MEMORY: Status = Status(4);
    pub(crate) const NO_DEVICE_FOUND: Status = Status(8);
    pub(crate) const DEVICE_TYPE_MISMATCH: Status = Status(9);
    pub(crate) const FAILED_TO_ALLOCATE_DEVICE_MEMORY: Status = Status(14);
    pub(crate) const DEVICE_ALREADY_ACQUIRED: Status = Status(20);
    pub(crate) const BUSY: Status = Status(22);
    pub(crate) const ALL_RESOURCES_TAKEN: Status = Status(23);
    pub(crate) const FAIL: Status = Status(26);
    pub(crate) const UNINITIALIZED: Status = Status(28);

    /// The status by its name in the interface, without `syn`.
    fn name(self) -> Option<&'static str> {
        const NAMES: [&str; 48] = [
            "Success",
            "InvalidArgument",
            "CbFull",
            "OutOfHostMemory",
            "OutOfDeviceMemory",
            "ObjectAlreadyInitialized",
            "ObjectNotInitialized",
            "CommandSubmissionFailure",
            "NoDeviceFound",
            "DeviceTypeMismatch",
            "FailedToInitializeCb",
            "FailedToFreeCb",
            "FailedToMapCb",
            "FailedToUnmapCb",
            "FailedToAllocateDeviceMemory",
            "FailedToFreeDeviceMemory",
            "FailedNotEnoughDevicesFound",
            "DeviceReset",
            "Unsupported",
            "WrongParamsFile",
            "DeviceAlreadyAcquired",
            "NameIsAlreadyUsed",
            "Busy",
            "AllResourcesTaken",
            "Unavailable",
            "InvalidTensorDimensions",
            "Fail",
            "OutOfResources",
            "Uninitialized",
            "AlreadyInitialized",
            "FailedSectionValidation",
            "SynapseTerminated",
            "AssertAsync",
            "InvalidEventHandle",
            "MappingNotFound",
            "FailedDynamicPatching",
            "FailedStaticPatching",
            "FailedToSubmitWorkload",
            "InvalidSectionsDefinition",
            "InvalidTensorProperties",
            "FailHccl",
            "FailedToCollectTime",
            "Timeout",
            "ResourceBadUsage",
            "NullPtr",
            "FailFuser",
            "FailComplexGuid",
            "FailTpcKernels",
        ];
        usize::try_from(self.0).ok().and_then(|code| NAMES.get(code)).copied()
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "syn{name} ({})", self.0),
            None => write!(f, "status {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_have_the_names_of_the_interface() {
        assert_eq!(Status::FAIL.to_string(), "synFail (26)");
        assert_eq!(Status(47).to_string(), "synFailTpcKernels (47)");
        assert_eq!(Status(-3).to_string(), "status -3");
    }
}
