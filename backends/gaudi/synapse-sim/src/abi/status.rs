//! The statuses of the interface (section 2) and the error this library carries one in.

use std::fmt;

/// What a call comes to: a number of the interface.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Status(pub i32);

/// Number and name of every status.
const NAMES: &[(i32, &str)] = &[
    (0, "synSuccess"),
    (1, "synInvalidArgument"),
    (2, "synCbFull"),
    (3, "synOutOfHostMemory"),
    (4, "synOutOfDeviceMemory"),
    (5, "synObjectAlreadyInitialized"),
    (6, "synObjectNotInitialized"),
    (7, "synCommandSubmissionFailure"),
    (8, "synNoDeviceFound"),
    (9, "synDeviceTypeMismatch"),
    (10, "synFailedToInitializeCb"),
    (11, "synFailedToFreeCb"),
    (12, "synFailedToMapCb"),
    (13, "synFailedToUnmapCb"),
    (14, "synFailedToAllocateDeviceMemory"),
    (15, "synFailedToFreeDeviceMemory"),
    (16, "synFailedNotEnoughDevicesFound"),
    (17, "synDeviceReset"),
    (18, "synUnsupported"),
    (19, "synWrongParamsFile"),
    (20, "synDeviceAlreadyAcquired"),
    (21, "synNameIsAlreadyUsed"),
    (22, "synBusy"),
    (23, "synAllResourcesTaken"),
    (24, "synUnavailable"),
    (25, "synInvalidTensorDimensions"),
    (26, "synFail"),
    (27, "synOutOfResources"),
    (28, "synUninitialized"),
    (29, "synAlreadyInitialized"),
    (30, "synFailedSectionValidation"),
    (31, "synSynapseTerminated"),
    (32, "synAssertAsync"),
    (33, "synInvalidEventHandle"),
    (34, "synMappingNotFound"),
    (35, "synFailedDynamicPatching"),
    (36, "synFailedStaticPatching"),
    (37, "synFailedToSubmitWorkload"),
    (38, "synInvalidSectionsDefinition"),
    (39, "synInvalidTensorProperties"),
    (40, "synFailHccl"),
    (41, "synFailedToCollectTime"),
    (42, "synTimeout"),
    (43, "synResourceBadUsage"),
    (44, "synNullPtr"),
    (45, "synFailFuser"),
    (46, "synFailComplexGuid"),
    (47, "synFailTpcKernels"),
];

impl Status {
    pub const SUCCESS: Status = Status(0);
    pub const INVALID_ARGUMENT: Status = Status(1);
    pub const OUT_OF_HOST_MEMORY: Status = Status(3);
    pub const NO_DEVICE_FOUND: Status = Status(8);
    pub const DEVICE_TYPE_MISMATCH: Status = Status(9);
    pub const DEVICE_ALREADY_ACQUIRED: Status = Status(20);
    pub const OBJECT_ALREADY_INITIALIZED: Status = Status(5);
    pub const OBJECT_NOT_INITIALIZED: Status = Status(6);
    pub const NAME_IS_ALREADY_USED: Status = Status(21);
    pub const BUSY: Status = Status(22);
    pub const UNAVAILABLE: Status = Status(24);
    pub const UNSUPPORTED: Status = Status(18);
    pub const INVALID_TENSOR_DIMENSIONS: Status = Status(25);
    pub const FAIL: Status = Status(26);
    pub const UNINITIALIZED: Status = Status(28);
    pub const FAILED_SECTION_VALIDATION: Status = Status(30);
    pub const INVALID_EVENT_HANDLE: Status = Status(33);
    pub const MAPPING_NOT_FOUND: Status = Status(34);
    pub const INVALID_TENSOR_PROPERTIES: Status = Status(39);

    /// The status of a name of the interface, such as `synFail`.
    pub fn named(name: &str) -> Option<Status> {
        NAMES.iter().find(|(_, known)| *known == name).map(|&(number, _)| Status(number))
    }

    /// The name of the interface.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(number, _)| *number == self.0).map_or("unknown status", |&(_, name)| name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A call that failed: its status, and why in words for the log.
#[derive(Clone)]
pub struct Fault {
    pub status: Status,
    pub why: String,
}

/// The result of a call.
pub type Outcome<T = ()> = Result<T, Fault>;

/// A failure, ready to return.
pub fn fault<T>(status: Status, why: impl Into<String>) -> Outcome<T> {
    Err(Fault { status, why: why.into() })
}
