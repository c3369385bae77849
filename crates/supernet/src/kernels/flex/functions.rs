//! Exponentials in plain arithmetic, which loops over vectors are made of: the library's are calls.

/// `exp(x)` as a power of two `p` and `q = exp(x) / p - 1`, within bounds where both are finite.
///
/// The remainder of `x / ln 2` is at most half of `ln 2`, where the series that stops at the seventh
/// power is off by 5e-9.
#[inline(always)]
fn exp_parts(x: f32) -> [f32; 2] {
    // 1.5 * 2^23: adding it rounds to a whole number, which is then in the lowest bits.
    const SHIFT: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Comparisons rather than `clamp`, whose check of the bounds stands in the way of vectors.
    let x = if x > 88.0 { 88.0 } else { x };
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * core::f32::consts::LOG2_E + SHIFT;
    let whole = shifted - SHIFT;
    let r = (x - whole * LN_2_HIGH) - whole * LN_2_LOW;
    let series = 1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0));
    let series = 1.0 / 2.0 + r * (1.0 / 6.0 + r * (1.0 / 24.0 + r * series));
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    [power, r + r * r * series]
}

/// `exp(x)`, where that is between 1e-38 and 1e38; the nearer of the two elsewhere.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let [power, q] = exp_parts(x);
    power + power * q
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// `tanh(x) = m / (m + 2)` with `m = exp(2 x) - 1`, which is exact to rounding near 0 too.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let [power, q] = exp_parts(2.0 * x);
    let m = power * q + (power - 1.0);
    m / (m + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_within_a_few_roundings_of_exact() {
        for step in -200_000..200_000 {
            let x = step as f32 * 1e-4;
            let wide = f64::from(x);
            for (found, exact) in [
                (sigmoid(x), 1.0 / (1.0 + (-wide).exp())),
                (tanh(x), wide.tanh()),
                (exp(x), wide.exp()),
            ] {
                let error = (f64::from(found) - exact).abs();
                assert!(error <= 4e-7 * exact.abs(), "{x}: {found} and {exact}");
            }
        }
    }

    #[test]
    fn extremes_are_finite_and_what_is_no_number_stays_so() {
        for x in [100.0, 1e10, f32::INFINITY] {
            assert_eq!((sigmoid(x), tanh(x)), (1.0, 1.0));
            assert!(sigmoid(-x) < 1e-37 && tanh(-x) == -1.0);
        }
        assert_eq!((sigmoid(0.0), tanh(0.0), exp(0.0)), (0.5, 0.0, 1.0));
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && exp(f32::INFINITY) > 1e38);
        for function in [sigmoid, tanh, exp] {
            assert!(function(f32::NAN).is_nan());
        }
    }
}
