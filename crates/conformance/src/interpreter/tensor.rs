//! Tensors of float64, indexed in the plainest way.

/// A tensor in row-major order. Integers are held as the float64 of the same value, which is exact.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// The extents, outermost first.
    pub shape: Vec<usize>,
    /// The elements.
    pub data: Vec<f64>,
}

impl Tensor {
    /// A tensor from its extents and elements.
    ///
    /// `None` where the number of elements is not the product of the extents.
    pub fn new(shape: impl Into<Vec<usize>>, data: impl Into<Vec<f64>>) -> Option<Self> {
        let (shape, data) = (shape.into(), data.into());
        let elements = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
        (elements == Some(data.len())).then_some(Self { shape, data })
    }

    /// A tensor whose every element is a function of its index.
    pub fn from_fn(shape: &[usize], mut element: impl FnMut(&[usize]) -> f64) -> Self {
        let mut data = Vec::with_capacity(shape.iter().product());
        for_each_index(shape, |index| data.push(element(index)));
        Self { shape: shape.to_vec(), data }
    }

    /// The element at an index, which has one entry for each axis, within its extent.
    pub fn at(&self, index: &[usize]) -> f64 {
        self.data[self.offset(index)]
    }

    /// The same shape with every element replaced.
    pub fn map(&self, function: impl Fn(f64) -> f64) -> Self {
        Self { shape: self.shape.clone(), data: self.data.iter().map(|&x| function(x)).collect() }
    }

    /// The extent of the innermost axis; 1 for a scalar.
    pub(super) fn innermost(&self) -> usize {
        self.shape.last().copied().unwrap_or(1)
    }

    pub(super) fn offset(&self, index: &[usize]) -> usize {
        index.iter().zip(&self.shape).fold(0, |offset, (&i, &extent)| offset * extent + i)
    }
}

/// Visits every index of a shape in row-major order. A scalar has one, the empty index.
pub(super) fn for_each_index(shape: &[usize], mut visit: impl FnMut(&[usize])) {
    if shape.contains(&0) {
        return;
    }
    let mut index = vec![0; shape.len()];
    loop {
        visit(&index);
        // Count up like an odometer; done when the outermost digit wraps.
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_run_row_major() {
        let t = Tensor::from_fn(&[2, 3], |i| (10 * i[0] + i[1]) as f64);
        assert_eq!(t.data, [0., 1., 2., 10., 11., 12.]);
        assert_eq!(t.at(&[1, 2]), 12.0);
        assert_eq!(Tensor::from_fn(&[], |_| 5.0).data, [5.0]);
        assert!(Tensor::from_fn(&[2, 0], |_| 5.0).data.is_empty());
    }

    #[test]
    fn elements_must_fill_the_shape() {
        assert!(Tensor::new([2, 3], [0.0; 6]).is_some());
        assert!(Tensor::new([2, 3], [0.0; 5]).is_none());
        assert!(Tensor::new([usize::MAX, 2], []).is_none());
    }
}
