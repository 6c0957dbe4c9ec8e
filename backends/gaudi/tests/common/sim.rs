//! What the software Synapse says of itself: counts of calls, live objects, misuse; and failures on request.

use libloading::Library;
use std::collections::BTreeMap;
use std::ffi::{CString, c_char};
use std::path::Path;

/// Statuses of the interface, success left out.
pub const STATUSES: [&str; 47] = [
    "synInvalidArgument",
    "synCbFull",
    "synOutOfHostMemory",
    "synOutOfDeviceMemory",
    "synObjectAlreadyInitialized",
    "synObjectNotInitialized",
    "synCommandSubmissionFailure",
    "synNoDeviceFound",
    "synDeviceTypeMismatch",
    "synFailedToInitializeCb",
    "synFailedToFreeCb",
    "synFailedToMapCb",
    "synFailedToUnmapCb",
    "synFailedToAllocateDeviceMemory",
    "synFailedToFreeDeviceMemory",
    "synFailedNotEnoughDevicesFound",
    "synDeviceReset",
    "synUnsupported",
    "synWrongParamsFile",
    "synDeviceAlreadyAcquired",
    "synNameIsAlreadyUsed",
    "synBusy",
    "synAllResourcesTaken",
    "synUnavailable",
    "synInvalidTensorDimensions",
    "synFail",
    "synOutOfResources",
    "synUninitialized",
    "synAlreadyInitialized",
    "synFailedSectionValidation",
    "synSynapseTerminated",
    "synAssertAsync",
    "synInvalidEventHandle",
    "synMappingNotFound",
    "synFailedDynamicPatching",
    "synFailedStaticPatching",
    "synFailedToSubmitWorkload",
    "synInvalidSectionsDefinition",
    "synInvalidTensorProperties",
    "synFailHccl",
    "synFailedToCollectTime",
    "synTimeout",
    "synResourceBadUsage",
    "synNullPtr",
    "synFailFuser",
    "synFailComplexGuid",
    "synFailTpcKernels",
];

/// The software Synapse, which the plugin has open as well.
pub struct Sim(Library);

type Tell = unsafe extern "C" fn(*mut c_char, usize, *mut usize) -> i32;

impl Sim {
    pub fn open(path: &Path) -> Self {
        // SAFETY: our own library; opening it again gives the same.
        Self(unsafe { Library::new(path) }.unwrap())
    }

    fn told(&self, name: &str) -> serde_json::Value {
        // SAFETY: the function has this type in the software Synapse.
        let tell = unsafe { self.0.get::<Tell>(name.as_bytes()) }.unwrap();
        let mut size = 0;
        // SAFETY: without room it only says how much it needs.
        unsafe { tell(std::ptr::null_mut(), 0, &mut size) };
        // The call itself is counted, so that the text may grow.
        let mut room = vec![0u8; size + 4096];
        // SAFETY: the room is as long as is said.
        unsafe { tell(room.as_mut_ptr().cast(), room.len(), &mut size) };
        let end = room.iter().position(|&byte| byte == 0).unwrap();
        serde_json::from_slice(&room[..end]).unwrap()
    }

    /// Calls of each function since the last reset.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let told = self.told("synapse_sim_counts");
        let each = told.as_object().unwrap().iter();
        each.map(|(name, calls)| (name.clone(), calls["calls"].as_u64().unwrap())).collect()
    }

    /// Objects that are live, those of which there are any.
    pub fn live(&self) -> Vec<String> {
        let told = self.told("synapse_sim_live");
        let each = told.as_object().unwrap().iter();
        each.filter(|(_, count)| count.as_u64() != Some(0) && count.as_bool() != Some(false))
            .map(|(name, n)| format!("{name}: {n}"))
            .collect()
    }

    pub fn misuse(&self) -> serde_json::Value {
        self.told("synapse_sim_misuse")
    }

    pub fn reset(&self) {
        // SAFETY: takes nothing.
        unsafe { self.0.get::<unsafe extern "C" fn() -> i32>(b"synapse_sim_reset").unwrap()() };
    }

    pub fn inject(&self, plan: &str) {
        let plan = CString::new(plan).unwrap();
        // SAFETY: the function has this type in the software Synapse, and the text ends with a zero.
        let status = unsafe {
            self.0.get::<unsafe extern "C" fn(*const c_char) -> i32>(b"synapse_sim_inject").unwrap()(
                plan.as_ptr(),
            )
        };
        assert_eq!(status, 0);
    }
}
