//! How far two backends agree.

use serde::{Deserialize, Serialize};

use super::{Trace, TracedChoice, TracedStep};

/// How far a backend agrees with the first one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Whether the noise has the same bits; none where one has no noise.
    pub noise: Option<bool>,
    /// Steps in which everything that was chosen is the same, from the first on.
    pub same_choices: usize,
    /// The first choice that differs.
    pub divergence: Option<Divergence>,
    /// Largest relative difference of the losses of those steps.
    pub loss: f64,
    /// The same of the first step alone.
    pub first_loss: f64,
    /// Largest difference of the logits in those steps.
    #[serde(default)]
    pub logits: f32,
    /// Relative differences of gradients whose steps come before any choice differs.
    pub gradients: Vec<GradientDifference>,
    /// Whether the architectures are the same; none where there are none.
    pub genotype: Option<bool>,
}

/// A choice that differs, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// Number of the step, from 1.
    pub step: usize,
    /// What was chosen.
    pub what: String,
    /// What each backend chose, the first one first.
    pub codes: [String; 2],
    /// How close the two best scores were, the smaller of the two backends' distances.
    pub margin: Option<f32>,
    /// Largest difference of the logits that it was made from.
    pub logits: f32,
    /// Whether logits so different, and scores rounded, can choose differently with such a margin.
    pub explained: bool,
}

/// How far a gradient is from the first backend's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GradientDifference {
    /// Number of the step, from 1.
    pub step: usize,
    /// What it is of.
    pub of: String,
    /// Euclidean length of the difference over that of the first backend's.
    pub difference: f64,
}

/// What rounding adds to the distance of two scores `ln p + noise`, which are at most some 25.
const ROUNDING: f32 = 1e-5;

impl Agreement {
    /// How far `other` agrees with `first`.
    pub fn between(first: &Trace, other: &Trace) -> Self {
        let pairs = || first.steps.iter().zip(&other.steps);
        let divergence = pairs()
            .enumerate()
            .find_map(|(index, (first, other))| divergence(index + 1, first, other));
        let same_choices = match &divergence {
            Some(divergence) => divergence.step - 1,
            None => pairs().count(),
        };
        let losses = pairs()
            .take(same_choices)
            .map(|(first, other)| loss_difference(first, other));
        let comparable = first
            .gradients
            .iter()
            .filter(|gradient| gradient.step <= same_choices);
        let gradients = comparable.filter_map(|gradient| {
            let mut others = other.gradients.iter();
            let other =
                others.find(|other| (other.step, &other.of) == (gradient.step, &gradient.of))?;
            Some(GradientDifference {
                step: gradient.step,
                of: gradient.of.clone(),
                difference: relative_distance(&gradient.values, &other.values)?,
            })
        });
        Self {
            noise: both(&first.noise, &other.noise, |first, other| first == other),
            loss: losses.fold(0.0, f64::max),
            first_loss: pairs()
                .next()
                .map_or(0.0, |(first, other)| loss_difference(first, other)),
            logits: pairs()
                .take(same_choices)
                .map(|(first, other)| logits_difference(first, other))
                .fold(0.0, f32::max),
            gradients: gradients.collect(),
            genotype: both(&first.genotype, &other.genotype, |first, other| {
                first == other
            }),
            same_choices,
            divergence,
        }
    }

    /// The largest relative difference of the first step's gradients; none where none can be compared.
    pub fn first_gradient(&self) -> Option<f64> {
        let first = self.gradients.iter().filter(|gradient| gradient.step == 1);
        first.map(|gradient| gradient.difference).reduce(f64::max)
    }
}

impl Divergence {
    /// The divergence as a sentence.
    pub fn sentence(&self) -> String {
        let Self {
            step, what, logits, ..
        } = self;
        let cause = match (self.margin, self.explained) {
            (Some(margin), true) => format!(
                "the two best scores were {margin:.1e} apart and logits differ by {logits:.1e}, which explains it"
            ),
            (Some(margin), false) => format!(
                "the two best scores were {margin:.1e} apart and logits differ by {logits:.1e}, which does not \
                 explain it"
            ),
            (None, _) => "nothing else could be chosen, which does not explain it".into(),
        };
        format!("step {step}, {what}: {cause}")
    }
}

fn both<T>(first: &Option<T>, other: &Option<T>, equal: impl Fn(&T, &T) -> bool) -> Option<bool> {
    Some(equal(first.as_ref()?, other.as_ref()?))
}

fn loss_difference(first: &TracedStep, other: &TracedStep) -> f64 {
    let weights = relative(first.loss, other.loss);
    let architecture = first.architecture_loss.zip(other.architecture_loss);
    let architecture = architecture.map_or(0.0, |(first, other)| relative(first, other));
    weights.max(architecture)
}

fn logits_difference(first: &TracedStep, other: &TracedStep) -> f32 {
    let pairs = first.choices.iter().zip(&other.choices);
    pairs
        .map(|(first, other)| apart(first, other))
        .fold(0.0, f32::max)
}

/// Largest difference of the logits of a choice.
fn apart(first: &TracedChoice, other: &TracedChoice) -> f32 {
    let pairs = first.logits.iter().zip(&other.logits);
    let apart = pairs.map(|(first, other)| (first - other).abs());
    apart.fold(0.0, f32::max)
}

fn relative(first: f64, other: f64) -> f64 {
    match first == other {
        true => 0.0,
        false => (first - other).abs() / first.abs().max(f64::MIN_POSITIVE),
    }
}

/// None where they are of other networks.
fn relative_distance(first: &[f32], other: &[f32]) -> Option<f64> {
    if first.len() != other.len() {
        return None;
    }
    let squared = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum();
    let pairs = first.iter().zip(other);
    let apart: f64 =
        squared(&mut pairs.map(|(first, other)| f64::from(*first) - f64::from(*other)));
    let length: f64 = squared(&mut first.iter().map(|value| f64::from(*value)));
    Some(match apart == 0.0 {
        true => 0.0,
        false => (apart / length.max(f64::MIN_POSITIVE)).sqrt(),
    })
}

fn divergence(step: usize, first: &TracedStep, other: &TracedStep) -> Option<Divergence> {
    let mut pairs = first.choices.iter().zip(&other.choices);
    let (first, other) = pairs.find(|(first, other)| first.code != other.code)?;
    Some(explain(step, first, other))
}

fn explain(step: usize, first: &TracedChoice, other: &TracedChoice) -> Divergence {
    let logits = apart(first, other);
    let margin = match (first.margin, other.margin) {
        (Some(first), Some(other)) => Some(first.min(other)),
        (first, other) => first.or(other),
    };
    // A score moves by its own logit and by the sum that all probabilities are divided by; two scores do.
    let reach = 4.0 * logits + ROUNDING;
    Divergence {
        step,
        what: first.what.clone(),
        codes: [first.code.clone(), other.code.clone()],
        margin,
        logits,
        explained: margin.is_some_and(|margin| margin <= reach),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{step, trace};
    use super::*;

    #[test]
    fn a_trace_agrees_with_itself() {
        let trace = trace("flex", &[1.0, 0.5]);
        let agreement = Agreement::between(&trace, &trace);
        let expected = Agreement {
            noise: Some(true),
            same_choices: 2,
            divergence: None,
            loss: 0.0,
            first_loss: 0.0,
            logits: 0.0,
            gradients: vec![GradientDifference {
                step: 1,
                of: "weights".into(),
                difference: 0.0,
            }],
            genotype: Some(true),
        };
        assert_eq!(agreement, expected);
    }

    #[test]
    fn a_close_choice_explains_a_divergence_and_a_clear_one_does_not() {
        let first = trace("flex", &[1.0, 0.5, 0.25]);
        let mut other = trace("cuda", &[1.0 + 1e-7, 0.5, 0.125]);
        other.steps[1] = step(0.5, "01", 1e-6);
        let agreement = Agreement::between(&first, &other);
        assert_eq!(agreement.same_choices, 1);
        assert!(agreement.loss < 2e-7, "{agreement:?}");
        let divergence = agreement.divergence.unwrap();
        assert_eq!((divergence.step, divergence.explained), (2, true));
        assert_eq!(
            divergence.sentence(),
            "step 2, logits, normal, edge 0: the two best scores were 1.0e-6 apart and logits differ by \
             0.0e0, which explains it"
        );
        other.steps[1].choices[0].margin = Some(0.3);
        let mut clear = first.clone();
        clear.steps[1].choices[0].margin = Some(0.3);
        let divergence = Agreement::between(&clear, &other).divergence.unwrap();
        assert!(!divergence.explained);
        assert!(divergence.sentence().ends_with("does not explain it"));
    }

    #[test]
    fn gradients_are_compared_by_the_length_of_their_difference() {
        assert_eq!(relative_distance(&[3.0, 4.0], &[3.0, 4.5]), Some(0.1));
        assert_eq!(relative_distance(&[0.0], &[0.0]), Some(0.0));
        assert_eq!(relative_distance(&[0.0], &[0.0, 0.0]), None);
    }
}
