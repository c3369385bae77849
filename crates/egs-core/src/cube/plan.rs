use crate::{Activation, Gradient, Mode, Normalization, Spec};

/// Units of a cube.
pub(crate) const CUBE_UNITS: u32 = 256;

/// Operations whose noise comes from one block of the generator.
pub(crate) const BLOCK: u32 = 4;

/// Rows of up to this many operations share a cube with other rows.
const NARROW_OPS: u32 = 64;

/// Everything a kernel is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Plan {
    /// Units that work on one row, a power of two that divides [`CUBE_UNITS`].
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
    /// - narrow rows, up to 64 operations: one unit per block of four operations, rounded up to a
    ///   power of two, so a cube holds 16 rows of 64 operations or 256 rows of up to 4;
    /// - wide rows: the 256 units of a cube work on one row and go through its blocks in turns.
    pub(crate) fn new(ops: u32, given: bool, spec: Spec) -> Self {
        let team = match ops {
            0..=NARROW_OPS => ops.div_ceil(BLOCK).next_power_of_two(),
            _ => CUBE_UNITS,
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

    /// Rows of one cube.
    pub(crate) fn rows_per_cube(&self) -> u32 {
        CUBE_UNITS / self.team
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_rows_share_a_cube_and_wide_rows_do_not() {
        let spec = crate::EgsConfig::new(1).init().unwrap().spec;
        let rows = |ops| Plan::new(ops, false, spec).rows_per_cube();
        assert_eq!([1, 4, 5, 8, 40, 64].map(rows), [256, 256, 128, 128, 16, 16]);
        assert_eq!([65, 1000, 5000].map(rows), [1, 1, 1]);
    }
}
