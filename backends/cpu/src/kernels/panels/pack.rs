//! Weights into panels.

use super::kernel::{Kernel, Task};
use crate::kernels::walk::Reader;
use crate::tensor::{Element, View};
use rayon::prelude::*;

/// The depths of a weight's row that are read at once.
const STRETCH: usize = 64;

/// How many bytes a weight takes.
pub(super) struct Size {
    pub n: usize,
    pub k: usize,
}

impl Task for Size {
    type Output = usize;

    fn run<K: Kernel>(self, _: K) -> usize {
        self.n.div_ceil(K::COLUMNS) * panel_len::<K>(self.k) * size_of::<K::Right>()
    }
}

/// How many elements a panel has.
pub(super) fn panel_len<K: Kernel>(k: usize) -> usize {
    k.next_multiple_of(K::GROUP) * K::COLUMNS
}

/// A weight and where it goes.
pub(super) struct Pack<'a, 'b, T> {
    pub weight: &'a View<'b, T>,
    pub packed: &'a mut [u8],
}

impl<T: Element> Task for Pack<'_, '_, T> {
    type Output = ();

    fn run<K: Kernel>(self, _: K) {
        let [n, k] = [self.weight.shape()[0], self.weight.shape()[1]];
        if n == 0 || k == 0 {
            return;
        }
        let reader = Reader::new(self.weight);
        let panels: &mut [K::Right] = bytemuck::cast_slice_mut(self.packed);
        panels.par_chunks_mut(panel_len::<K>(k)).enumerate().for_each(|(panel, to)| {
            let rows = panel * K::COLUMNS..n.min((panel + 1) * K::COLUMNS);
            for (stretch, to) in to.chunks_mut(STRETCH * K::COLUMNS).enumerate() {
                let depths = stretch * STRETCH..k.min((stretch + 1) * STRETCH);
                if rows.len() < K::COLUMNS || to.len() > depths.len() * K::COLUMNS {
                    to.fill(K::Right::default());
                }
                for (column, row) in rows.clone().enumerate() {
                    // An odd last depth stands with a zero.
                    let mut line = [K::Right::default(); STRETCH];
                    read(&reader, row * k + depths.start, &mut line[..depths.len()]);
                    let groups = to.chunks_exact_mut(K::COLUMNS * K::GROUP);
                    for (to, from) in groups.zip(line.chunks_exact(K::GROUP)) {
                        let to = &mut to[column * K::GROUP..][..K::GROUP];
                        to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
                    }
                }
            }
        });
    }
}

/// Reads elements as a kernel takes them: as they are, or as f32.
pub(super) fn read<T: Element, L: Element>(reader: &Reader<T>, start: usize, to: &mut [L]) {
    if T::DTYPE == L::DTYPE {
        reader.copy(0, start, bytemuck::cast_slice_mut(to));
    } else {
        reader.load(0, start, bytemuck::cast_slice_mut(to));
    }
}
