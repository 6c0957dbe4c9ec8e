//! Failures on request.

use crate::harness::*;

#[test]
fn the_nth_call_fails_at_once_or_on_its_stream() {
    let session = Session::open();
    let plan = c("synDeviceMalloc:2:synFail");
    must!(synapse_sim_inject(plan.as_ptr() => *const std::ffi::c_char));
    let device = session.malloc(16);
    let mut address = 0;
    assert_eq!(
        call!(synDeviceMalloc(0 => u32, 16 => u64, 0 => u64, 0 => u32, &mut address => *mut u64)),
        FAIL
    );
    session.malloc(16);

    let plan = c("synMemCopyAsync:1:async:synDeviceReset");
    must!(synapse_sim_inject(plan.as_ptr() => *const std::ffi::c_char));
    let other = session.malloc(16);
    must!(synMemCopyAsync(session.stream => u64, device => u64, 16 => u64, other => u64, 2 => i32));
    assert_eq!(call!(synStreamSynchronize(session.stream => u64)), 17);
    assert_eq!(call!(synDeviceSynchronize(0 => u32)), 17);
    let plan = c("synLaunch:0:synFail");
    assert_eq!(call!(synapse_sim_inject(plan.as_ptr() => *const std::ffi::c_char)), INVALID);
    let counts = text("synapse_sim_counts");
    assert!(counts.contains(r#""synDeviceMalloc":{"calls":4,"failures":1}"#), "{counts}");
    assert!(text("synapse_sim_live").contains(r#""allocations":3"#));
}
