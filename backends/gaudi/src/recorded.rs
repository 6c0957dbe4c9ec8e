//! Graphs: the launches of a run, recorded once and replayed with other addresses.

use crate::compile::Prepared;
use crate::context::Context;
use crate::enqueue::{Frame, Tables, enqueue};
use crate::scratch::Scratch;
use std::sync::Arc;
use tintype_accel::Result;

/// What tells recorded graphs apart: the Program, shapes included, and where it is cut.
pub(crate) type Key = String;

/// A recorded run.
struct Recorded {
    key: Key,
    prepared: Arc<Prepared>,
    tables: Tables,
}

/// The recorded graphs of a device, the last used in front.
pub(crate) struct Graphs {
    kept: Vec<Recorded>,
    most: usize,
}

impl Graphs {
    pub(crate) fn new(most: usize) -> Self {
        Self { kept: Vec::new(), most: most.max(1) }
    }

    /// Replays a graph, recorded now if it is not kept. Whether it was recorded now.
    pub(crate) fn replay(
        &mut self,
        context: &Context,
        scratch: &mut Scratch,
        key: &str,
        prepared: &Arc<Prepared>,
        frame: &Frame<'_>,
    ) -> Result<bool> {
        if let Some(found) = self.kept.iter().position(|known| known.key == key) {
            self.kept[..=found].rotate_right(1);
            if let Some(known) = self.kept.first_mut() {
                enqueue(context, scratch, &known.prepared, frame, &mut known.tables)?;
            }
            return Ok(false);
        }
        let mut tables = Tables::new();
        enqueue(context, scratch, prepared, frame, &mut tables)?;
        self.kept.truncate(self.most - 1);
        self.kept.insert(0, Recorded { key: key.into(), prepared: Arc::clone(prepared), tables });
        Ok(true)
    }
}
