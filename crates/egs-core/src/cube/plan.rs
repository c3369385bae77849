use crate::{Activation, Gradient, Mode, Normalization, Spec};

/// Units of a cube that works on one wide row.
pub(crate) const WIDE_UNITS: u32 = 256;

/// Units of a cube that works on as many narrow rows; small, so that few rows spread over many
/// processors.
const NARROW_UNITS: u32 = 64;

/// Rows of up to this many operations are narrow.
const NARROW_OPS: u32 = 64;

/// Everything a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    /// Units that work on one row, 1 or a whole cube.
    pub(crate) team: u32,
    /// Whether the noise is read instead of generated.
    pub(crate) given: bool,
    pub(crate) activation: Activation,
    pub(crate) normalization: Normalization,
    pub(crate) gradient: Gradient,
    pub(crate) mode: Mode,
}

impl Plan {
    /// The two regimes:
    ///
    /// - narrow rows, up to 64 operations: one unit for each row, 64 rows in a cube. The unit goes
    ///   through the row alone and never waits at a barrier;
    /// - wide rows: the 256 units of a cube share one row, take its blocks of four operations in
    ///   turns and combine what they find in shared memory.
    pub(crate) fn new(ops: u32, given: bool, spec: Spec) -> Self {
        let team = match ops {
            0..=NARROW_OPS => 1,
            _ => WIDE_UNITS,
        };
        Self {
            team,
            given,
            activation: spec.activation,
            normalization: spec.normalization,
            gradient: spec.gradient,
            mode: spec.mode,
        }
    }

    /// Units of one cube.
    pub(crate) fn units(&self) -> u32 {
        match self.team {
            1 => NARROW_UNITS,
            team => team,
        }
    }

    /// Rows of one cube.
    pub(crate) fn rows_per_cube(&self) -> u32 {
        self.units() / self.team
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_rows_share_a_cube_and_wide_rows_have_one_each() {
        let spec = crate::EgsConfig::new(1).init().unwrap().spec;
        let rows = |ops| Plan::new(ops, false, spec).rows_per_cube();
        assert_eq!([1, 4, 8, 40, 64].map(rows), [64; 5]);
        assert_eq!([65, 1000, 5000].map(rows), [1, 1, 1]);
    }
}
