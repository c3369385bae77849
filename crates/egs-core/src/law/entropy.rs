use super::CodeDistribution;
use crate::{NoiseKey, noise::gumbel::uniform};

/// Codes sampled where enumeration would be too long.
const SAMPLES: u32 = 4096;

impl CodeDistribution {
    /// Entropy of the code, in nats.
    ///
    /// Exact by enumeration while at most 262,144 codes can occur ([`support`](Self::support));
    /// beyond that the mean of `-ln P` over 4096 codes, sampled with a fixed seed so that the same
    /// law always has the same entropy.
    pub fn entropy(&self) -> f64 {
        let mut exact = 0.0;
        let enumerated = self.for_each(|_, p| {
            if p > 0.0 {
                exact -= p * p.ln();
            }
        });
        if enumerated.is_ok() {
            return exact;
        }
        let sum: f64 = (0..SAMPLES)
            .map(|index| -self.log_probability(&self.sample(index)))
            .sum();
        sum / SAMPLES as f64
    }

    /// One code, by drawing operations from the cumulative probabilities.
    fn sample(&self, index: u32) -> Vec<bool> {
        let key = NoiseKey::new(0, 0);
        let mut code = vec![false; self.ops()];
        for draw in 0..self.draws() as u32 {
            let mut rest = uniform(key.bits(index, draw, 0)) as f64;
            let picked = self.probabilities().iter().position(|&p| {
                rest -= p;
                rest < 0.0
            });
            // Rounding may leave a remainder after the last operation of positive probability.
            let last = self.probabilities().iter().rposition(|&p| p > 0.0);
            if let Some(op) = picked.or(last) {
                code[op] = true;
            }
        }
        code
    }
}
