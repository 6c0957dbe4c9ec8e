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
    regions: Held<'o>,
    owner: PhantomData<&'o mut Owner>,
}

/// Memories that job after job opens, and what keeps them alive in between.
pub(crate) struct Regions(Vec<Region>);

enum Held<'o> {
    Own(Regions),
    Lent(&'o [Region]),
}

struct Region {
    start: NonNull<u8>,
    bytes: usize,
    writable: bool,
    /// Keeps `start` good, once it is set by opening the region.
    memory: Arc<HostMemory>,
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
        let (mut regions, to_write, to_read) = Regions::of(written, read)?;
        regions.prepare(owner)?;
        Ok((Self { regions: Held::Own(regions), owner: PhantomData }, to_write, to_read))
    }

    /// Slices to read, and slices to write that overlap neither these nor each other.
    pub(crate) fn slices(&mut self, read: &[Span], write: &[Span]) -> Result<Slices<'_>, Refusal> {
        let (mut reads, mut writes) = (Vec::with_capacity(read.len()), Vec::with_capacity(write.len()));
        self.slices_into(read, write, &mut reads, &mut writes)?;
        Ok((reads, writes))
    }

    /// As [`Access::slices`], into lists that have room already.
    pub(crate) fn slices_into<'a>(
        &'a mut self,
        read: &[Span],
        write: &[Span],
        reads: &mut Vec<&'a [u8]>,
        writes: &mut Vec<&'a mut [u8]>,
    ) -> Result<(), Refusal> {
        for (i, &target) in write.iter().enumerate() {
            let target = self.address(target, true)?;
            for &other in read.iter().chain(&write[i + 1..]) {
                if !apart(&target, &self.address(other, false)?) {
                    return Err(Refusal::Range);
                }
            }
        }
        for &span in read {
            let (start, _) = self.address(span, false)?;
            // SAFETY: `address` held the span against its region, whose memory the region keeps alive. Nobody else
            // reaches that memory, since its owner is borrowed for 'o. While `self` is borrowed here, nothing is written
            // but `write`, which was just seen to lie apart from this.
            reads.push(unsafe { slice::from_raw_parts(start.as_ptr(), span.bytes) });
        }
        for &span in write {
            let (start, _) = self.address(span, true)?;
            // SAFETY: as above; the region is writable, and no other slice overlaps this one.
            writes.push(unsafe { slice::from_raw_parts_mut(start.as_ptr(), span.bytes) });
        }
        Ok(())
    }

    /// A slice to read.
    pub(crate) fn slice(&self, span: Span) -> Result<&[u8], Refusal> {
        let (start, _) = self.address(span, false)?;
        // SAFETY: as in `slices`; nothing is written while `self` is borrowed.
        Ok(unsafe { slice::from_raw_parts(start.as_ptr(), span.bytes) })
    }

    /// Where a span starts and ends, once it is seen to lie within its region.
    fn address(&self, span: Span, to_write: bool) -> Result<(NonNull<u8>, NonNull<u8>), Refusal> {
        let regions = match &self.regions {
            Held::Own(Regions(regions)) => regions,
            Held::Lent(regions) => *regions,
        };
        let region = regions.get(span.region).ok_or(Refusal::Range)?;
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

impl Regions {
    /// Memories to open: those in `written` to read and write, those in `read` to read. Gives the spans in the order
    /// asked for, which hold whenever the regions are open.
    pub(crate) fn of(
        written: &[Place<'_>],
        read: &[Place<'_>],
    ) -> Result<(Self, Vec<Span>, Vec<Span>), Refusal> {
        let mut regions: Vec<Region> = Vec::with_capacity(written.len() + read.len());
        let mut enter = |(memory, range): &Place<'_>, writable: bool| {
            let whole = Span { region: regions.len(), offset: 0, bytes: memory.bytes() };
            // Of no bytes until it is opened.
            let (start, bytes, memory) = (NonNull::dangling(), 0, Arc::clone(memory));
            regions.push(Region { start, bytes, writable, memory });
            whole.part(range.start, range.len()).ok_or(Refusal::Range)
        };
        let to_write = written.iter().map(|place| enter(place, true)).collect::<Result<_, _>>()?;
        let to_read = read.iter().map(|place| enter(place, false)).collect::<Result<_, _>>()?;
        Ok((Self(regions), to_write, to_read))
    }

    /// Opens the memories, wherever they lie by now. Allocates nothing, unless a memory is somebody else's and is
    /// written for the first time.
    pub(crate) fn open<'o>(&'o mut self, owner: &'o mut Owner) -> Result<Access<'o>, Refusal> {
        self.prepare(owner)?;
        Ok(Access { regions: Held::Lent(&self.0), owner: PhantomData })
    }

    /// Finds where the memories lie. That is good for as long as the owner is not lent to anybody else, which is why
    /// only an [`Access`] that keeps it borrowed uses what is found.
    fn prepare(&mut self, owner: &mut Owner) -> Result<(), Refusal> {
        // All that is written comes first: opening it may move it, once.
        for region in self.0.iter().filter(|region| region.writable) {
            region.memory.writing(owner).ok_or(Refusal::Foreign)?.map_err(Refusal::OutOfMemory)?;
        }
        for region in &mut self.0 {
            (region.start, region.bytes) = region.memory.reading(owner).ok_or(Refusal::Foreign)?;
        }
        Ok(())
    }
}

fn apart((a, a_end): &(NonNull<u8>, NonNull<u8>), (b, b_end): &(NonNull<u8>, NonNull<u8>)) -> bool {
    a_end <= b || b_end <= a || a == a_end || b == b_end
}
