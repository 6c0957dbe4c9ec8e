//! Slices of many memories at once, one of them to write.

use super::owner::Owner;
use super::storage::HostMemory;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::slice;
use std::sync::Arc;

/// Memories that are open for the length of one job.
pub(crate) struct Access<'o> {
    regions: Vec<Region>,
    owner: PhantomData<&'o mut Owner>,
}

struct Region {
    start: NonNull<u8>,
    bytes: usize,
    writable: bool,
    /// Keeps `start` good.
    _memory: Arc<HostMemory>,
}

// SAFETY: a region is an address and the memory that keeps it good, which is itself Send and Sync. It is dereferenced
// only by `Access::slices`, under the rules written there.
unsafe impl Send for Region {}
// SAFETY: as above.
unsafe impl Sync for Region {}

/// A range of an open memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    region: usize,
    offset: usize,
    bytes: usize,
}

impl Span {
    /// A range of it; `None` where it is shorter.
    pub(crate) fn part(&self, offset: usize, bytes: usize) -> Option<Span> {
        let fits = offset.checked_add(bytes).is_some_and(|end| end <= self.bytes);
        fits.then(|| Span { region: self.region, offset: self.offset + offset, bytes })
    }

    /// All of it from `offset` on.
    pub(crate) fn after(&self, offset: usize) -> Option<Span> {
        self.part(offset, self.bytes.checked_sub(offset)?)
    }
}

/// Why memory cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It belongs to another queue.
    Foreign,
    /// Bytes that a copy would take, and that the machine does not have.
    OutOfMemory(usize),
    /// A range lies outside its memory, is read-only, or is read and written at once.
    Range,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Foreign => write!(f, "memory belongs to another queue"),
            Refusal::OutOfMemory(bytes) => write!(f, "{bytes} bytes are not there"),
            Refusal::Range => {
                write!(
                    f,
                    "memory is read and written at once, is read-only, or ends before what is asked of it"
                )
            }
        }
    }
}

/// What is asked for: a range of a memory.
pub(crate) type Place<'m> = (&'m Arc<HostMemory>, Range<usize>);

/// What is to be read, and what is to be written.
pub(crate) type Slices<'a> = (Vec<&'a [u8]>, Vec<&'a mut [u8]>);

impl<'o> Access<'o> {
    /// Opens memories of one owner, which stays borrowed: those in `written` to read and write, those in `read` to read.
    /// Gives the spans in the order asked for.
    pub(crate) fn open(
        owner: &'o mut Owner,
        written: &[Place<'_>],
        read: &[Place<'_>],
    ) -> Result<(Self, Vec<Span>, Vec<Span>), Refusal> {
        let mut regions: Vec<Region> = Vec::with_capacity(written.len() + read.len());
        let mut open = |place: &Place<'_>, start: NonNull<u8>, bytes: usize, writable: bool| {
            let (memory, range) = place;
            let whole = Span { region: regions.len(), offset: 0, bytes };
            regions.push(Region { start, bytes, writable, _memory: Arc::clone(memory) });
            whole.part(range.start, range.len()).ok_or(Refusal::Range)
        };
        // All that is written comes first: opening it may move it, once.
        let mut prepared = Vec::with_capacity(written.len());
        for (memory, _) in written {
            prepared.push(memory.writing(owner).ok_or(Refusal::Foreign)?.map_err(Refusal::OutOfMemory)?);
        }
        let mut to_write = Vec::with_capacity(written.len());
        for (place, (start, bytes)) in written.iter().zip(prepared) {
            to_write.push(open(place, start, bytes, true)?);
        }
        let mut to_read = Vec::with_capacity(read.len());
        for place in read {
            let (start, bytes) = place.0.reading(owner).ok_or(Refusal::Foreign)?;
            to_read.push(open(place, start, bytes, false)?);
        }
        Ok((Self { regions, owner: PhantomData }, to_write, to_read))
    }

    /// Slices to read, and slices to write that overlap neither these nor each other.
    pub(crate) fn slices(&mut self, read: &[Span], write: &[Span]) -> Result<Slices<'_>, Refusal> {
        let reads = read.iter().map(|&span| self.address(span, false)).collect::<Result<Vec<_>, _>>()?;
        let writes = write.iter().map(|&span| self.address(span, true)).collect::<Result<Vec<_>, _>>()?;
        for (i, target) in writes.iter().enumerate() {
            if !reads.iter().chain(&writes[i + 1..]).all(|other| apart(target, other)) {
                return Err(Refusal::Range);
            }
        }
        // SAFETY: `address` held the span against its region, whose memory the region keeps alive. Nobody else reaches
        // that memory, since its owner is borrowed for 'o. While `self` is borrowed here, nothing is written but `write`,
        // which was just seen to lie apart from this.
        let slice = |start: &NonNull<u8>, bytes| unsafe { slice::from_raw_parts(start.as_ptr(), bytes) };
        // SAFETY: as above; the region is writable, and no other slice overlaps this one.
        let slice_mut =
            |start: &NonNull<u8>, bytes| unsafe { slice::from_raw_parts_mut(start.as_ptr(), bytes) };
        Ok((
            reads.iter().zip(read).map(|((start, _), span)| slice(start, span.bytes)).collect(),
            writes.iter().zip(write).map(|((start, _), span)| slice_mut(start, span.bytes)).collect(),
        ))
    }

    /// A slice to read.
    pub(crate) fn slice(&self, span: Span) -> Result<&[u8], Refusal> {
        let (start, _) = self.address(span, false)?;
        // SAFETY: as in `slices`; nothing is written while `self` is borrowed.
        Ok(unsafe { slice::from_raw_parts(start.as_ptr(), span.bytes) })
    }

    /// Where a span starts and ends, once it is seen to lie within its region.
    fn address(&self, span: Span, to_write: bool) -> Result<(NonNull<u8>, NonNull<u8>), Refusal> {
        let region = self.regions.get(span.region).ok_or(Refusal::Range)?;
        let end = span.offset.checked_add(span.bytes).filter(|&end| end <= region.bytes);
        match end {
            Some(end) if region.writable || !to_write => {
                // SAFETY: both offsets are at most the region's length.
                Ok(unsafe { (region.start.add(span.offset), region.start.add(end)) })
            }
            _ => Err(Refusal::Range),
        }
    }
}

fn apart((a, a_end): &(NonNull<u8>, NonNull<u8>), (b, b_end): &(NonNull<u8>, NonNull<u8>)) -> bool {
    a_end <= b || b_end <= a || a == a_end || b == b_end
}
