use super::cover::{Cover, log_factorials};
use crate::{EgsError, LOG_EPSILON};

/// How far the sum of the given probabilities may be from 1 (f32 softmax leaves about 1e-7).
const SUM_TOLERANCE: f64 = 1e-3;

/// More codes than this are not enumerated.
const ENUMERATION_LIMIT: usize = 262_144;

/// The exact law of the binary code of one row, without sampling.
///
/// With M draws, `P(A = S) = sum over T subset of S of (-1)^(|S| - |T|) q(T)^M`, where `q(T)` is
/// the sum of the probabilities of T. It is evaluated in f64 by a recurrence of positive terms, so
/// it stays accurate for probabilities next to 0 and 1 and for M up to 1024 and beyond; a code of
/// n operations costs `O(n M^2)`.
#[derive(Debug, Clone, PartialEq)]
pub struct CodeDistribution {
    probabilities: Vec<f64>,
    draws: usize,
    log_factorial: Vec<f64>,
}

impl CodeDistribution {
    /// The law for the probabilities of one row, `[ops]`, and a number of draws.
    ///
    /// The probabilities are divided by their sum.
    ///
    /// # Errors
    ///
    /// No draws, no probabilities, a negative or non-finite probability, or a sum further than
    /// 1e-3 from 1.
    pub fn new(probabilities: &[f64], draws: usize) -> Result<Self, EgsError> {
        if draws == 0 {
            return Err(EgsError::NoDraws);
        }
        if probabilities.is_empty() {
            return Err(EgsError::NoOps { shape: vec![0] });
        }
        for (index, &value) in probabilities.iter().enumerate() {
            if !(value.is_finite() && value >= 0.0) {
                return Err(EgsError::Probability { index, value });
            }
        }
        let sum: f64 = probabilities.iter().sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(EgsError::ProbabilitySum(sum));
        }
        Ok(Self {
            probabilities: probabilities.iter().map(|p| p / sum).collect(),
            draws,
            log_factorial: log_factorials(draws),
        })
    }

    /// The law of the codes that the estimator samples from these probabilities: as it does, 1e-10 is
    /// added to each, so that they need not sum to 1, which those of a ReLU do not where all its
    /// logits are next to 0, and a row of zeros is even.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), apart from the sum.
    pub fn of_sampler(probabilities: &[f64], draws: usize) -> Result<Self, EgsError> {
        let floor = f64::from(LOG_EPSILON);
        let raised = probabilities.iter().map(|p| p + floor);
        let sum: f64 = raised.clone().sum();
        // What is no probability stays none, and is refused by its place.
        let scale = if sum > 0.0 { sum } else { 1.0 };
        let scaled: Vec<f64> = raised.map(|p| p / scale).collect();
        Self::new(&scaled, draws)
    }

    /// Number of operations.
    pub fn ops(&self) -> usize {
        self.probabilities.len()
    }

    /// Number of draws.
    pub fn draws(&self) -> usize {
        self.draws
    }

    /// The probabilities of the operations in one draw, summing to 1.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// `P(A = code)`. A code of another length than [`ops`](Self::ops) has probability 0.
    pub fn probability(&self, code: &[bool]) -> f64 {
        self.log_probability(code).exp()
    }

    /// `ln P(A = code)`, minus infinity for a code that cannot occur.
    pub fn log_probability(&self, code: &[bool]) -> f64 {
        if code.len() != self.ops() {
            return f64::NEG_INFINITY;
        }
        let on: Vec<f64> = self
            .probabilities
            .iter()
            .zip(code)
            .filter_map(|(&p, &on)| on.then_some(p))
            .collect();
        if on.len() > self.draws || on.contains(&0.0) {
            return f64::NEG_INFINITY;
        }
        on.iter()
            .fold(Cover::empty(self.draws - on.len()), |cover, &p| {
                cover.with(p, &self.log_factorial)
            })
            .log_probability(self.draws)
    }

    /// Probability of every operation to be on, `1 - (1 - p)^M`; also the expected code.
    pub fn inclusion(&self) -> Vec<f64> {
        self.probabilities
            .iter()
            .map(|&p| match p {
                p if p >= 1.0 => 1.0,
                p => -(self.draws as f64 * (-p).ln_1p()).exp_m1(),
            })
            .collect()
    }

    /// The most probable code.
    ///
    /// Swapping an operation for a more probable one never makes a code less probable, so for each
    /// size only the set of the most probable operations is compared. Equal probabilities are taken
    /// in the order of the operations, and among equally probable codes the smallest wins.
    pub fn mode(&self) -> Vec<bool> {
        let order = self.descending();
        let mut cover = Cover::empty(self.draws - 1);
        let mut best = (f64::NEG_INFINITY, 0);
        for (index, &op) in order.iter().take(self.draws).enumerate() {
            let p = self.probabilities[op];
            if p == 0.0 {
                break;
            }
            cover = cover.with(p, &self.log_factorial);
            let log_probability = cover.log_probability(self.draws);
            if log_probability > best.0 {
                best = (log_probability, index + 1);
            }
        }
        let mut code = vec![false; self.ops()];
        for &op in &order[..best.1] {
            code[op] = true;
        }
        code
    }

    /// Number of codes that can occur, as a float because it may be huge.
    pub fn support(&self) -> f64 {
        let ops = self.probabilities.iter().filter(|&&p| p > 0.0).count();
        let mut choose = 1.0;
        (1..=ops.min(self.draws))
            .map(|size| {
                choose *= (ops + 1 - size) as f64 / size as f64;
                choose
            })
            .sum()
    }

    /// Calls `visit` with every code that can occur and its probability.
    ///
    /// # Errors
    ///
    /// More than 262,144 codes; then there is no call.
    pub fn for_each(&self, mut visit: impl FnMut(&[bool], f64)) -> Result<(), EgsError> {
        let codes = self.support();
        if codes > ENUMERATION_LIMIT as f64 {
            return Err(EgsError::TooManyCodes {
                codes,
                limit: ENUMERATION_LIMIT,
            });
        }
        let mut code = vec![false; self.ops()];
        self.extend(0, &Cover::empty(self.draws - 1), &mut code, &mut visit);
        Ok(())
    }

    /// Exact expectation of a function of the code, by enumeration.
    ///
    /// # Errors
    ///
    /// More than 262,144 codes.
    pub fn expectation(&self, mut function: impl FnMut(&[bool]) -> f64) -> Result<f64, EgsError> {
        let mut sum = 0.0;
        self.for_each(|code, p| sum += p * function(code))?;
        Ok(sum)
    }

    fn extend(
        &self,
        from: usize,
        cover: &Cover,
        code: &mut [bool],
        visit: &mut impl FnMut(&[bool], f64),
    ) {
        for op in from..self.ops() {
            let p = self.probabilities[op];
            if p == 0.0 {
                continue;
            }
            let larger = cover.with(p, &self.log_factorial);
            if larger.size() > self.draws {
                return;
            }
            code[op] = true;
            let log_probability = larger.log_probability(self.draws);
            visit(code, log_probability.exp());
            self.extend(op + 1, &larger, code, visit);
            code[op] = false;
        }
    }

    /// Operations by falling probability, equal ones in their order.
    fn descending(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.ops()).collect();
        order.sort_by(|&a, &b| self.probabilities[b].total_cmp(&self.probabilities[a]));
        order
    }
}
