//! From random bits to Gumbel(0, 1), with a logarithm that does not depend on the device.
//!
//! The draw that wins is the one whose uniform is close to 1, and there a device logarithm may be
//! off by its *absolute* error bound (2^-21 in WGSL), which would move the noise by whole units or
//! make it infinite. The logarithm below uses only exact bit operations and `+ - * /`, so every
//! device agrees to a few units in the last place, relatively, over the whole range.

/// Bits of `sqrt(1/2)`: mantissas are taken from `[sqrt(1/2), sqrt(2))`, so that numbers near 1
/// have exponent 0 and lose nothing to cancellation.
pub(crate) const SQRT_HALF_BITS: i32 = 0x3F35_04F3;

/// Natural logarithm of a positive normal number.
///
/// `x = m 2^e`, and `ln m = 2 atanh(s)` with `s = (m - 1) / (m + 1)`, `|s| < 0.172`. The odd series
/// stops at `s^9`, which leaves a relative error of `s^10 / 11 < 2.1e-9`.
#[inline(always)]
pub(crate) fn ln(x: f32) -> f32 {
    let bits = x.to_bits() as i32;
    let exponent = (bits - SQRT_HALF_BITS) >> 23;
    let mantissa = f32::from_bits((bits - (exponent << 23)) as u32);
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = 1.0
        + square * (1.0 / 3.0 + square * (1.0 / 5.0 + square * (1.0 / 7.0 + square * (1.0 / 9.0))));
    2.0 * s * series + exponent as f32 * core::f32::consts::LN_2
}

/// A uniform number of the open interval (0, 1): `(bits >> 9 + 1/2) 2^-23`, exact in f32.
#[inline(always)]
pub(crate) fn uniform(bits: u32) -> f32 {
    ((bits >> 9) as f32 + 0.5) * (1.0 / 8_388_608.0)
}

/// Standard exponential noise, `-ln u`.
#[inline(always)]
pub(crate) fn exponential(bits: u32) -> f32 {
    -ln(uniform(bits))
}

/// Gumbel(0, 1) noise, `-ln(-ln u)`.
///
/// Always finite: `u` is at least `2^-24` and at most `1 - 2^-24`, so the noise lies between
/// -2.82 and 16.64.
#[inline(always)]
pub fn gumbel(bits: u32) -> f32 {
    -ln(exponential(bits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_is_relatively_accurate_everywhere() {
        let mut worst = 0f64;
        for step in 0..200_000u32 {
            // Spread over the normal range, then concentrated next to 1 from both sides.
            for x in [
                f32::from_bits(0x0080_0000 + step * 10_600),
                1.0 - step as f32 * 6e-8,
                1.0 + step as f32 * 1.2e-7,
            ] {
                let exact = (x as f64).ln();
                let error = (ln(x) as f64 - exact).abs();
                worst = worst.max(if exact == 0.0 {
                    error
                } else {
                    error / exact.abs()
                });
            }
        }
        assert!(worst < 4e-7, "worst relative error {worst:e}");
    }

    #[test]
    fn noise_is_finite_at_both_ends_of_the_interval() {
        let lowest = gumbel(0);
        let highest = gumbel(u32::MAX);
        assert!((lowest as f64 + 16.635_532_333_438_686f64.ln()).abs() < 1e-5);
        assert!((highest - 16.635_532).abs() < 1e-5, "{highest}");
        assert!(uniform(0) > 0.0 && uniform(u32::MAX) < 1.0);
    }
}
