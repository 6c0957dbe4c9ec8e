//! Functions that are there, and say that this library does not do what they are for.

use super::api;
use crate::abi::{Status, fault};

/// Each takes whatever the caller passes: in C, arguments that nobody reads do no harm.
macro_rules! unsupported {
    ($($name:ident)*) => {
        api! { $( fn $name() |_facts| { fault(Status::UNSUPPORTED, "not done by this library") } )* }
    };
}

unsupported! {
    synEventMapTensor synEventMapTensorExt synTensorExtExtractExecutionOrder
    synLaunchWithExternalEvents synLaunchWithExternalEventsExt
    synTensorRetrieveMultiLaunchInfosById synTensorRetrieveInfosByName synTensorRetrieveInfosByNameExt
    synGraphDuplicate
    synProfilerQueryRequiredMemory synProfilerSetUserBuffer synProfilerStart synProfilerStop synProfilerGetTrace
    synProfilerAddCustomMeasurement synProfilerAddCustomMeasurementArgs
    synProfilerAddCustomMeasurementArgsAndThread synProfilerAddCustomEvent
    synTPCLibraryGetVersionSize synTPCLibraryGetVersions
}
