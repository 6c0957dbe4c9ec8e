use super::*;
use std::sync::Arc;
use tintype_accel::{HostBytes, MemoryAccount, Purpose};

fn memory(owner: &Owner, bytes: usize) -> Arc<HostMemory> {
    HostMemory::allocate(owner.id(), bytes, Purpose::Data, Arc::default()).unwrap()
}

#[test]
fn memory_starts_as_zeros_and_keeps_what_is_written() {
    let mut owner = Owner::new();
    let one = memory(&owner, 100);
    let (mut access, spans, _) = Access::open(&mut owner, &[(&one, 10..20)], &[]).unwrap();
    let (_, mut slices) = access.slices(&[], &spans).unwrap();
    assert_eq!(slices[0], [0; 10]);
    slices[0].fill(3);
    drop(access);
    let (access, _, spans) = Access::open(&mut owner, &[], &[(&one, 5..15)]).unwrap();
    assert_eq!(access.slice(spans[0]).unwrap(), [0, 0, 0, 0, 0, 3, 3, 3, 3, 3]);
}

#[test]
fn what_is_written_overlaps_nothing() {
    let mut owner = Owner::new();
    let one = memory(&owner, 100);
    let (mut access, written, read) =
        Access::open(&mut owner, &[(&one, 0..40), (&one, 30..60)], &[(&one, 50..100)]).unwrap();
    let [a, b] = written[..] else { panic!() };
    assert_eq!(access.slices(&[], &[a, b]).unwrap_err(), Refusal::Range);
    assert_eq!(access.slices(&read, &[b]).unwrap_err(), Refusal::Range);
    assert_eq!(access.slices(&[a, b], &[b.part(5, 5).unwrap()]).unwrap_err(), Refusal::Range);
    // What only reads may overlap, and what is empty lies nowhere.
    let (reads, writes) = access.slices(&[b, read[0]], &[a.part(0, 30).unwrap()]).unwrap();
    assert_eq!((reads.len(), writes.len()), (2, 1));
    assert!(access.slices(&[a], &[a.part(7, 0).unwrap()]).is_ok());
}

#[test]
fn ranges_and_rights_are_held_against_the_memory() {
    let (mut owner, mut other) = (Owner::new(), Owner::new());
    let one = memory(&owner, 100);
    assert_eq!(Access::open(&mut other, &[], &[(&one, 0..1)]).err(), Some(Refusal::Foreign));
    assert_eq!(Access::open(&mut other, &[(&one, 0..1)], &[]).err(), Some(Refusal::Foreign));
    assert_eq!(Access::open(&mut owner, &[], &[(&one, 50..101)]).err(), Some(Refusal::Range));
    let (mut access, _, read) = Access::open(&mut owner, &[], &[(&one, 0..100)]).unwrap();
    assert_eq!(access.slices(&[], &read).unwrap_err(), Refusal::Range, "it was opened to read");
    assert!(
        read[0].part(99, 2).is_none()
            && read[0].part(usize::MAX, 2).is_none()
            && read[0].after(101).is_none()
    );
    // Spans of one access mean nothing to another, and do no harm there.
    let two = memory(&other, 10);
    let (mut access, _, _) = Access::open(&mut other, &[(&two, 0..10)], &[]).unwrap();
    assert_eq!(access.slices(&read, &[]).unwrap_err(), Refusal::Range);
}

/// Bytes that start where memory of a device may start.
#[repr(align(64))]
struct Aligned([u8; 8]);

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

#[test]
fn adopted_bytes_are_copied_when_they_are_first_written() {
    let account: Arc<MemoryAccount> = Arc::default();
    let mut owner = Owner::new();
    let bytes: Arc<dyn AsRef<[u8]> + Send + Sync> = Arc::new(Aligned([1, 2, 3, 4, 5, 6, 7, 8]));
    let shared = HostBytes::Shared(Arc::clone(&bytes), 0..8);
    let one = HostMemory::adopt(owner.id(), shared, Purpose::Weights, Arc::clone(&account)).unwrap();
    assert_eq!((account.report().mapped, account.report().weights), (8, 0));
    let (mut access, written, read) = Access::open(&mut owner, &[(&one, 4..8)], &[(&one, 0..4)]).unwrap();
    let (reads, mut writes) = access.slices(&read, &written).unwrap();
    assert_eq!((reads[0], &*writes[0]), (&[1, 2, 3, 4][..], &[5, 6, 7, 8][..]));
    writes[0].fill(0);
    drop(access);
    assert_eq!((*bytes).as_ref(), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!((account.report().mapped, account.report().weights), (0, 8));
    drop(one);
    assert_eq!(account.report().held(), 0);
}
