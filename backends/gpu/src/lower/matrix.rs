//! Tensors as matrices, where their strides allow it.

use tintype_program::memory::Layout;

/// A tensor whose innermost axis is the columns of a matrix and whose others are its rows: elements from one row to the
/// next. `None` where the rows are not evenly apart, or the columns not side by side.
pub(super) fn rows(shape: &[usize], strides: &[usize]) -> Option<usize> {
    let (&columns, outer) = shape.split_last()?;
    let (&inner, above) = strides.split_last()?;
    if inner != 1 && columns > 1 {
        return None;
    }
    collapse(outer, above).map(|stride| stride.unwrap_or(columns))
}

/// Axes as one: its stride, or nothing where there is but one element along it. `None` where no one stride leads through
/// them.
pub(super) fn collapse(shape: &[usize], strides: &[usize]) -> Option<Option<usize>> {
    let mut axes = shape.iter().zip(strides).filter(|(extent, _)| **extent != 1);
    let Some((&extent, &stride)) = axes.next_back() else { return Some(None) };
    let mut next = extent * stride;
    for (&extent, &outer) in axes.rev() {
        if outer != next {
            return None;
        }
        next = extent * outer;
    }
    Some(Some(stride))
}

/// The two innermost axes of a tensor as a matrix: elements from one row to the next, or from one column to the next where
/// it lies column by column; and whether it does.
pub(super) fn matrix(shape: &[usize], strides: &[usize]) -> Option<(usize, bool)> {
    let n = shape.len();
    let (rows, columns) = (*shape.get(n.checked_sub(2)?)?, *shape.get(n - 1)?);
    let (down, across) = (strides[n - 2], strides[n - 1]);
    let by_rows = (columns <= 1 || across == 1) && (rows <= 1 || down >= columns);
    let by_columns = (rows <= 1 || down == 1) && (columns <= 1 || across >= rows);
    match (by_rows, by_columns) {
        (true, _) => Some((if rows <= 1 { columns.max(1) } else { down }, false)),
        (_, true) => Some((if columns <= 1 { rows.max(1) } else { across }, true)),
        _ => None,
    }
}

/// The largest power of two up to 16 that all of these numbers of bytes are multiples of.
pub(super) fn alignment(bytes: impl IntoIterator<Item = usize>) -> usize {
    bytes.into_iter().fold(16, |most, bytes| match bytes {
        0 => most,
        _ => most.min(1 << bytes.trailing_zeros().min(4)),
    })
}

/// The layout of `extent` elements from `start` on along an axis.
pub(super) fn range(layout: &Layout, axis: usize, start: usize) -> Layout {
    let stride = layout.strides.get(axis).copied().unwrap_or(0);
    Layout { offset: layout.offset + start * stride, strides: layout.strides.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_stand_apart_but_evenly() {
        assert_eq!(rows(&[2, 3, 4], &[12, 4, 1]), Some(4));
        assert_eq!(rows(&[2, 3, 4], &[30, 10, 1]), Some(10));
        assert_eq!(rows(&[2, 3, 4], &[40, 10, 1]), None);
        assert_eq!(rows(&[1, 3, 4], &[999, 10, 1]), Some(10));
        assert_eq!(rows(&[3, 4], &[1, 3]), None);
        assert_eq!(rows(&[4], &[1]), Some(4));
    }

    #[test]
    fn matrices_lie_by_rows_or_by_columns() {
        assert_eq!(matrix(&[3, 4], &[4, 1]), Some((4, false)));
        assert_eq!(matrix(&[3, 4], &[1, 3]), Some((3, true)));
        assert_eq!(matrix(&[3, 4], &[2, 6]), None);
        assert_eq!(matrix(&[1, 4], &[7, 1]), Some((4, false)));
        assert_eq!(matrix(&[3, 4], &[0, 1]), None, "a row that repeats is no matrix of a library's");
    }

    #[test]
    fn alignment_is_that_of_the_worst() {
        assert_eq!(alignment([64, 32, 0]), 16);
        assert_eq!(alignment([64, 6]), 2);
    }
}
