//! The probability that independent draws hit every operation of a set, and no other.
//!
//! For a set S of n operations, the number of ways to spread M draws over it gives
//!
//! `P(A = S) = M! [x^M] prod_{k in S} (exp(p_k x) - 1)`.
//!
//! Every term is positive, so nothing cancels, in contrast with the subset sum
//! `sum_T (-1)^(n - |T|) q(T)^M`. Taking out `p_k x` from each factor leaves the factors
//! `phi(z) = (exp(z) - 1) / z = sum_m z^m / (m + 1)!`, and scaling degree j by the j-th power of the
//! probability of the operations seen so far leaves
//!
//! `h_i(j) = sum_m Binomial(m; j, p_i / P_i) / (m + 1) h_{i-1}(j - m)`, `P_i = p_1 + .. + p_i`,
//!
//! a mean of numbers in (0, 1]. By the inequality of the means `h_i(j)` is at least
//! `(j / i + 1)^-i`, and with `i + j <= M` that is above `exp(-M / e)`: f64 holds it up to M = 1900.

/// Logarithms of 0!, 1!, .. `count`!.
pub(crate) fn log_factorials(count: usize) -> Vec<f64> {
    let mut table = Vec::with_capacity(count + 1);
    let mut sum = 0.0;
    table.push(sum);
    for n in 1..=count {
        sum += (n as f64).ln();
        table.push(sum);
    }
    table
}

/// The numbers `h(0..=degree)` of a set of operations, with what was taken out of them.
#[derive(Debug, Clone)]
pub(crate) struct Cover {
    /// `h(j)`, each in (0, 1].
    h: Vec<f64>,
    /// Sum of the probabilities of the set.
    mass: f64,
    /// Sum of the logarithms of the probabilities of the set.
    log_product: f64,
    /// Size of the set.
    size: usize,
}

impl Cover {
    /// The empty set: no draw fits into it.
    pub(crate) fn empty(degree: usize) -> Self {
        let mut h = vec![0.0; degree + 1];
        h[0] = 1.0;
        Self {
            h,
            mass: 0.0,
            log_product: 0.0,
            size: 0,
        }
    }

    /// The set with one more operation, of probability `p > 0`.
    pub(crate) fn with(&self, p: f64, log_factorial: &[f64]) -> Self {
        let mass = self.mass + p;
        let log_share = p.ln() - mass.ln();
        let log_rest = self.mass.ln() - mass.ln();
        let degree = self.h.len() - 1;
        let h = (0..=degree)
            .map(|j| {
                if self.size == 0 {
                    return 1.0 / (j as f64 + 1.0);
                }
                (0..=j)
                    .map(|m| {
                        let log_weight = log_factorial[j] - log_factorial[m] - log_factorial[j - m]
                            + m as f64 * log_share
                            + (j - m) as f64 * log_rest;
                        log_weight.exp() * self.h[j - m] / (m as f64 + 1.0)
                    })
                    .sum()
            })
            .collect();
        Self {
            h,
            mass,
            log_product: self.log_product + p.ln(),
            size: self.size + 1,
        }
    }

    /// Size of the set.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Logarithm of the probability that each of `draws` draws hits the set and every operation of
    /// it is hit; minus infinity when the draws are too few.
    pub(crate) fn log_probability(&self, draws: usize) -> f64 {
        self.union_log_probability(&Self::empty(0), draws)
    }

    /// The same for the union of two disjoint sets, without building it.
    pub(crate) fn union_log_probability(&self, other: &Self, draws: usize) -> f64 {
        let size = self.size + other.size;
        if size == 0 || size > draws {
            return if size == draws {
                0.0
            } else {
                f64::NEG_INFINITY
            };
        }
        let free = draws - size;
        let mass = self.mass + other.mass;
        let share = other.mass / mass;
        let mean = if other.size == 0 {
            self.h[free]
        } else if self.size == 0 {
            other.h[free]
        } else {
            binomial(free, share)
                .zip(&other.h)
                .zip(self.h[..=free].iter().rev())
                .map(|((weight, other), own)| weight * other * own)
                .sum()
        };
        // Summed over the few factors that remain, because the factorials themselves are huge.
        let arrangements: f64 = (free + 1..=draws).map(|n| (n as f64).ln()).sum();
        let spread = match free {
            0 => 0.0,
            free => free as f64 * mass.ln(),
        };
        self.log_product + other.log_product + arrangements + spread + mean.ln()
    }
}

/// Binomial probabilities of 0, 1, .. `trials` successes.
fn binomial(trials: usize, success: f64) -> impl Iterator<Item = f64> {
    let (log_success, log_failure) = (success.ln(), (-success).ln_1p());
    let mut log_choose = 0.0;
    (0..=trials).map(move |m| {
        let weight = match m {
            0 => trials as f64 * log_failure,
            m if m == trials => trials as f64 * log_success,
            m => log_choose + m as f64 * log_success + (trials - m) as f64 * log_failure,
        };
        log_choose += ((trials - m) as f64).ln() - (m as f64 + 1.0).ln();
        weight.exp()
    })
}
