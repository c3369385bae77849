use super::problem::Problem;

/// Where the elements of a tensor lie in a row of numbers: the element at `[i, j, ..]` is number
/// `offset + i * strides[0] + j * strides[1] + ..`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    offset: usize,
    shape: Vec<usize>,
    strides: Vec<usize>,
    count: usize,
    end: usize,
}

impl Layout {
    /// # Errors
    ///
    /// When there is not one stride for each axis or a position is too large for this machine.
    pub(super) fn new(
        offset: usize,
        shape: Vec<usize>,
        mut strides: Vec<usize>,
    ) -> Result<Self, Problem> {
        let large = || Problem::damaged(format!("a tensor of shape {shape:?} is too large"));
        if strides.len() != shape.len() {
            let (strides, axes) = (strides.len(), shape.len());
            return Err(Problem::damaged(format!(
                "a tensor of {axes} axes has {strides} strides"
            )));
        }
        let (mut count, mut end) = (0, 0);
        if !shape.contains(&0) {
            (count, end) = (1usize, offset);
            for (&side, stride) in shape.iter().zip(&mut strides) {
                // The stride of an axis that is never walked along may be any number.
                *stride = if side == 1 { 0 } else { *stride };
                let reach = stride.checked_mul(side).ok_or_else(large)? - *stride;
                count = count.checked_mul(side).ok_or_else(large)?;
                end = end.checked_add(reach).ok_or_else(large)?;
            }
            end = end.checked_add(1).ok_or_else(large)?;
        }
        Ok(Self {
            offset,
            shape,
            strides,
            count,
            end,
        })
    }

    /// Row by row from the first number on.
    ///
    /// # Errors
    ///
    /// When the tensor is too large for this machine.
    pub(super) fn row_by_row(shape: Vec<usize>) -> Result<Self, Problem> {
        let mut strides = vec![1usize; shape.len()];
        for axis in (1..shape.len()).rev() {
            // Where this saturates an axis is empty or `new` refuses the number of elements.
            strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
        }
        Self::new(0, shape, strides)
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements of the tensor.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Numbers that the row must have.
    pub(super) fn end(&self) -> usize {
        self.end
    }

    /// Positions of the elements in the row, the last axis changing fastest.
    pub(super) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let mut place = vec![0; self.shape.len()];
        let mut position = self.offset;
        (0..self.count).map(move |_| {
            let here = position;
            for axis in (0..place.len()).rev() {
                place[axis] += 1;
                position += self.strides[axis];
                if place[axis] < self.shape[axis] {
                    break;
                }
                position -= self.strides[axis] * self.shape[axis];
                place[axis] = 0;
            }
            here
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(offset: usize, shape: &[usize], strides: &[usize]) -> Vec<usize> {
        let layout = Layout::new(offset, shape.to_vec(), strides.to_vec()).unwrap();
        let positions: Vec<usize> = layout.positions().collect();
        assert_eq!(positions.len(), layout.count());
        let end = positions.iter().max().map_or(0, |last| last + 1);
        assert_eq!(end, layout.end());
        positions
    }

    #[test]
    fn positions_follow_strides() {
        assert_eq!(positions(0, &[2, 3], &[3, 1]), [0, 1, 2, 3, 4, 5]);
        assert_eq!(positions(0, &[2, 3], &[1, 2]), [0, 2, 4, 1, 3, 5]);
        assert_eq!(positions(4, &[2, 2], &[0, 3]), [4, 7, 4, 7]);
        assert_eq!(positions(5, &[], &[]), [5]);
        assert_eq!(positions(5, &[3, 0], &[1, 1]), [0usize; 0]);
        assert_eq!(positions(1, &[1, 2, 1], &[usize::MAX, 1, 7]), [1, 2]);
        // Channels last: [n, c, h, w] whose channels change fastest.
        assert_eq!(
            positions(0, &[1, 2, 2, 2], &[8, 1, 4, 2]),
            [0, 2, 4, 6, 1, 3, 5, 7]
        );
    }

    #[test]
    fn row_by_row_counts_on() {
        let layout = Layout::row_by_row(vec![2, 3, 4]).unwrap();
        assert_eq!(
            layout.positions().collect::<Vec<_>>(),
            Vec::from_iter(0..24)
        );
    }

    #[test]
    fn sizes_beyond_the_machine_are_refused() {
        for (shape, strides) in [
            (vec![usize::MAX, 2], vec![0, 0]),
            (vec![2, 2], vec![usize::MAX, usize::MAX]),
            (vec![2], vec![usize::MAX]),
            (vec![2], vec![1, 1]),
        ] {
            Layout::new(1, shape, strides).unwrap_err();
        }
        assert_eq!(
            Layout::row_by_row(vec![0, usize::MAX, 9]).unwrap().count(),
            0
        );
        Layout::row_by_row(vec![usize::MAX, 9]).unwrap_err();
    }
}
