use super::*;
use std::sync::mpsc;
use std::time::Duration;
use tintype_accel::{Error, FencePoint};

fn queue() -> (Queue, Arc<Counters>) {
    let counters = Arc::new(Counters::default());
    (Queue::new("cpu:0".into(), 1, Arc::clone(&counters)).unwrap(), counters)
}

fn fail(reason: &str) -> Work {
    let reason = reason.to_string();
    Box::new(move |_| Err(Error::Device { device: "cpu:0".into(), reason: reason.clone() }))
}

fn nothing() -> Work {
    Box::new(|_| Ok(()))
}

#[test]
fn fences_are_passed_when_the_job_before_them_is_done() {
    let (queue, counters) = queue();
    let (go, wait) = mpsc::channel::<()>();
    let job = queue.enqueue(Box::new(move |_| {
        wait.recv().ok();
        Ok(())
    }));
    let fence = queue.record();
    assert!(!fence.poll().unwrap() && !job.poll().unwrap());
    go.send(()).unwrap();
    fence.wait(WaitReason::Pacing).unwrap();
    job.wait(WaitReason::Synchronize).unwrap();
    assert!(fence.poll().unwrap());
    let stats = counters.snapshot();
    assert!(stats.pacing_waits <= 1);
    assert_eq!(stats.host_synchronizations, 0, "the second wait had nothing to wait for");
}

#[test]
fn a_failure_takes_what_follows_with_it_and_is_reported_once() {
    let (queue, _) = queue();
    let before = queue.record();
    queue.enqueue(fail("out of paper"));
    let skipped = queue.enqueue(nothing());
    let fence = queue.record();
    before.wait(WaitReason::Synchronize).unwrap();
    let error = queue.synchronize().unwrap_err();
    assert!(error.to_string().contains("out of paper"));
    // Who waits for what was dropped hears of it, however late.
    assert!(skipped.wait(WaitReason::Synchronize).unwrap_err().to_string().contains("out of paper"));
    assert!(fence.wait(WaitReason::Pacing).is_err());
    queue.synchronize().unwrap();
    let job = queue.enqueue(nothing());
    job.wait(WaitReason::Synchronize).unwrap();
    queue.synchronize().unwrap();
}

#[test]
fn a_panic_is_an_error_and_the_queue_goes_on() {
    let (queue, _) = queue();
    queue.enqueue(Box::new(|_| panic!("the shutter is stuck")));
    let error = queue.synchronize().unwrap_err();
    assert!(matches!(error, Error::Internal { .. }) && error.to_string().contains("the shutter is stuck"));
    queue.enqueue(nothing()).wait(WaitReason::Synchronize).unwrap();
}

#[test]
fn a_dropped_queue_finishes_first() {
    let (queue, _) = queue();
    let done = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&done);
    let job = queue.enqueue(Box::new(move |_| {
        thread::sleep(Duration::from_millis(20));
        seen.store(true, std::sync::atomic::Ordering::Release);
        Ok(())
    }));
    drop(queue);
    assert!(done.load(std::sync::atomic::Ordering::Acquire));
    job.wait(WaitReason::Synchronize).unwrap();
}

#[test]
fn a_queue_may_be_among_what_its_job_holds() {
    let (queue, _) = queue();
    let held = Arc::new(Mutex::new(None));
    let theirs = Arc::clone(&held);
    let (go, wait) = mpsc::channel::<()>();
    let job = queue.enqueue(Box::new(move |_| {
        wait.recv().ok();
        assert!(theirs.lock().unwrap().is_some());
        Ok(())
    }));
    *held.lock().unwrap() = Some(queue);
    drop(held);
    go.send(()).unwrap();
    job.wait(WaitReason::Synchronize).unwrap();
}

#[test]
fn queues_of_one_executor_hold_each_other_up_by_kernels_alone() {
    let counters = Arc::new(Counters::default());
    let open = || Queue::new("cpu:0".into(), 2, Arc::clone(&counters)).unwrap();
    let (one, other) = (open(), open());
    let held = |queue: &Queue, moves: bool| {
        let (go, wait) = mpsc::channel::<()>();
        let work: Work = Box::new(move |_| {
            wait.recv().ok();
            Ok(())
        });
        (go, if moves { queue.enqueue_move(work) } else { queue.enqueue(work) })
    };
    // A job that moves bytes and waits holds up no kernels of another queue.
    let (go, moving) = held(&one, true);
    other.enqueue(nothing()).wait(WaitReason::Synchronize).unwrap();
    assert!(!moving.poll().unwrap());
    go.send(()).unwrap();
    // Kernels have the threads to themselves, one job at a time.
    let (go, running) = held(&one, false);
    other.enqueue_move(nothing()).wait(WaitReason::Synchronize).unwrap();
    let next = other.enqueue(nothing());
    assert!(!running.poll().unwrap());
    go.send(()).unwrap();
    next.wait(WaitReason::Synchronize).unwrap();
    running.wait(WaitReason::Synchronize).unwrap();
}
