//! Host memory that the device reads and writes, for uploads and reads.

use crate::device::{Acquired, Event, Pinned};
use crate::fault::Fault;

/// Pinned memory: at hand, and in use by copies that are on their way.
#[derive(Default)]
pub(crate) struct Staging {
    free: Vec<Pinned>,
    busy: Vec<(Event, Pinned)>,
}

impl Staging {
    /// The most that one piece of an upload takes.
    pub(crate) const PIECE: usize = 32 << 20;
    /// The most that copies on their way hold before the oldest is waited for.
    const MOST_BUSY: usize = 4 * Self::PIECE;
    /// The most that is kept at hand.
    const MOST_FREE: usize = 2 * Self::PIECE;

    /// A piece of at least so many bytes.
    pub(crate) fn take(&mut self, device: &Acquired, bytes: usize) -> Result<Pinned, Fault> {
        self.sweep(device)?;
        while self.busy.iter().map(|(_, pinned)| pinned.bytes).sum::<usize>() > Self::MOST_BUSY {
            let (event, pinned) = self.busy.remove(0);
            let waited = device.wait(&event);
            device.forget(event);
            self.give(device, pinned);
            waited?;
        }
        let fits = self.free.iter().enumerate().filter(|(_, pinned)| pinned.bytes >= bytes);
        match fits.min_by_key(|(_, pinned)| pinned.bytes).map(|(at, _)| at) {
            Some(at) => Ok(self.free.swap_remove(at)),
            None => device.pin(bytes.next_power_of_two().max(4096)),
        }
    }

    /// A piece that a copy uses until the stream has passed `event`.
    pub(crate) fn lend(&mut self, event: Event, pinned: Pinned) {
        self.busy.push((event, pinned));
    }

    /// A piece that nothing uses.
    pub(crate) fn give(&mut self, device: &Acquired, pinned: Pinned) {
        let held: usize = self.free.iter().map(|pinned| pinned.bytes).sum();
        if held + pinned.bytes > Self::MOST_FREE {
            device.unpin(pinned);
        } else {
            self.free.push(pinned);
        }
    }

    fn sweep(&mut self, device: &Acquired) -> Result<(), Fault> {
        while let Some((event, _)) = self.busy.first() {
            if !device.poll(event)? {
                break;
            }
            let (event, pinned) = self.busy.remove(0);
            device.forget(event);
            self.give(device, pinned);
        }
        Ok(())
    }

    /// Lets everything go. The stream must be empty.
    pub(crate) fn clear(&mut self, device: &Acquired) {
        for (event, pinned) in self.busy.drain(..) {
            device.forget(event);
            device.unpin(pinned);
        }
        self.free.drain(..).for_each(|pinned| device.unpin(pinned));
    }
}
