use burn::tensor::{Tensor, TensorData, activation::relu};
use supernet::{Architecture, ArchitectureConfig, ArchitectureSample, ModelBackend};
use workbench::sums;

use crate::{SearchConfig, Task};

/// What the configuration adds to the loss of the logits, `[1]`; none where it adds nothing.
///
/// - `alpha.distribution_penalty` times the mean of `|p - w|` over all entries, `w` being the weights
///   of the sampled code (the architecture-distribution constraint in the journal extension of Chang
///   et al. 2019); it passes gradients to both.
/// - `alpha.cost_penalty` times the expected cost of the cells over the cost of all their operations
///   together: an operation is on with probability `1 - (1 - p)^M`, and its cost is that of
///   [`Task::costs`]. It lies between 0 and 1 and has no variance.
/// - With `alpha.cost_budget`, `alpha.cost_penalty` times what the expected child costs beyond it, over
///   the budget, in its place; the costs are those of [`Task::child_costs`], and below the budget it is 0.
pub(crate) fn penalty<B: ModelBackend, T: Task>(
    config: &SearchConfig<T>,
    task: &T,
    architecture: &Architecture<B>,
    sample: &ArchitectureSample<B>,
) -> Option<Tensor<B, 1>> {
    let (alpha, settings) = (&config.alpha, &config.architecture);
    let tables = &sample.codes.tables;
    let distance = (alpha.distribution_penalty > 0.0)
        .then(|| tables.iter().map(|table| table.weights.clone()).collect())
        .flatten()
        .map(|weights: Vec<Tensor<B, 2>>| {
            let p = architecture.probability_table(settings);
            sums::mean((p - Tensor::cat(weights, 0)).abs()) * alpha.distribution_penalty
        });
    let cost = match alpha.cost_budget {
        _ if alpha.cost_penalty == 0.0 => None,
        None => task.costs(alpha.cost).map(|costs| {
            let costs = costs.into_iter().flatten().flatten().collect::<Vec<_>>();
            // Operations that are all free have a cost of 0 rather than 0 / 0.
            let total = costs.iter().sum::<f64>().max(1.0);
            expected_share(architecture, settings, costs, total)
        }),
        Some(budget) => task.child_costs(alpha.cost).map(|costs| {
            let operations = costs.operations.into_iter().flatten().flatten().collect();
            let share = expected_share(architecture, settings, operations, budget);
            relu(share + (costs.fixed / budget - 1.0))
        }),
    };
    let cost = cost.map(|cost| cost * alpha.cost_penalty);
    match (distance, cost) {
        (Some(distance), Some(cost)) => Some(distance + cost),
        (one, other) => one.or(other),
    }
}

/// The expected cost of the operations that are on, over `whole`, `[1]`. The costs are those of all tables,
/// one after the other.
fn expected_share<B: ModelBackend>(
    architecture: &Architecture<B>,
    settings: &ArchitectureConfig,
    costs: Vec<f64>,
    whole: f64,
) -> Tensor<B, 1> {
    let p = architecture.probability_table(settings);
    let shares: Vec<f32> = costs.iter().map(|cost| (cost / whole) as f32).collect();
    let shares = TensorData::new(shares, p.dims());
    let off = (-p + 1.0).powi_scalar(settings.draws as i32);
    let shares = Tensor::from_data(shares, &off.device());
    sums::sum((-off + 1.0) * shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::ImageTask;
    use burn::backend::Autodiff;
    use burn_flex::Flex;
    use egs_core::NoiseKey;
    use supernet::{NetworkConfig, Relaxation, SupernetConfig, WeightInit};

    type Train = Autodiff<Flex>;
    type Config = SearchConfig<ImageTask>;

    /// The task for images of 8x8.
    fn task(config: &Config) -> ImageTask {
        let network = NetworkConfig {
            image_channels: 1,
            classes: 10,
            channels: config.network.channels,
            cells: config.network.cells,
        };
        let space = config.space.clone();
        ImageTask::new(SupernetConfig { network, space }, [8, 8])
    }

    fn config(set: &[&str]) -> Config {
        let mut all = vec!["space.nodes=1".to_string(), "architecture.draws=3".into()];
        all.push("space.operations=[\"none\",\"skip_connect\",\"sep_conv_3x3\"]".into());
        all.extend(set.iter().map(|text| text.to_string()));
        Config::resolve(None, &all).unwrap()
    }

    /// The penalty, its gradient to the logits of the reduction cell, the probabilities of both
    /// cells and the sampled weights, each in the order of the table.
    fn penalise(config: &Config) -> (f64, Vec<f64>, Vec<f64>, Vec<f64>) {
        let device = Default::default();
        let (space, settings) = (&config.space, &config.architecture);
        let mut architecture = Architecture::<Train>::new(
            space,
            settings.activation,
            &mut WeightInit::new(2),
            &device,
        );
        // Far from uniform.
        let sharper = |logits: Tensor<Train, 3>| (logits * 900.0).detach().require_grad();
        architecture.logits = architecture.logits.map(sharper);
        let key = NoiseKey::new(1, 1);
        let sample = architecture
            .relax(Relaxation::Code, settings, 1.0, key)
            .unwrap();
        let value = penalty(config, &task(config), &architecture, &sample).unwrap();
        let gradients = value.backward();
        let gradient = architecture.logits.val().grad(&gradients).unwrap();
        // Of the second table, the reduction cell's.
        let gradient = gradient.narrow(0, 1, 1);
        let tables = sample.codes.tables.into_iter();
        let weights = tables.map(|table| table.weights.unwrap().into_data().iter().collect());
        (
            value.into_data().iter().next().unwrap(),
            gradient.into_data().iter().collect(),
            architecture.probabilities(settings).concat().concat(),
            weights.flat_map(|w: Vec<f64>| w).collect(),
        )
    }

    /// The gradient of softmax rows of 3 for given gradients of p.
    fn through_softmax(p: &[f64], by_p: &[f64]) -> Vec<f64> {
        let rows = p.chunks(3).zip(by_p.chunks(3));
        rows.flat_map(|(p, d)| {
            let mean: f64 = p.iter().zip(d).map(|(p, d)| p * d).sum();
            let entry = |(p, d): (&f64, &f64)| p * (d - mean);
            p.iter().zip(d).map(entry).collect::<Vec<_>>()
        })
        .collect()
    }

    #[test]
    fn the_cost_is_that_of_the_inclusion_probabilities() {
        let config = config(&["alpha.cost_penalty=0.25", "alpha.cost=\"parameters\""]);
        let (value, gradient, p, _) = penalise(&config);
        // Two reducing cells of three with 16 and 32 channels, one normal cell of 8. The skips of
        // the normal cell are free.
        let sep = |c: f64| 2.0 * (9.0 * c + c * c);
        let network = (config.network.channels, config.network.cells);
        assert_eq!(network, (8, 3));
        let normal = [0.0, 0.0, sep(8.0)];
        let reduce = [0.0, 16.0 * 16.0 + 32.0 * 32.0, sep(16.0) + sep(32.0)];
        let costs: Vec<f64> = [normal, normal, reduce, reduce].concat();
        let total: f64 = costs.iter().sum();
        let on = |p: &f64| 1.0 - (1.0 - p).powi(3);
        let expected: f64 = p.iter().zip(&costs).map(|(p, c)| on(p) * c / total).sum();
        assert!((value - 0.25 * expected).abs() < 1e-6, "{value}");
        assert!(0.01 < value && value < 0.25, "{value}");

        let by_p = |(p, c): (&f64, &f64)| 0.25 * 3.0 * (1.0 - p).powi(2) * c / total;
        let by_p: Vec<f64> = p.iter().zip(&costs).map(by_p).collect();
        let expected = through_softmax(&p[6..], &by_p[6..]);
        for (gradient, expected) in gradient.iter().zip(&expected) {
            assert!((gradient - expected).abs() < 1e-6);
        }
        assert!(expected.iter().any(|gradient| gradient.abs() > 1e-3));
    }

    #[test]
    fn beyond_a_budget_the_cost_is_relative_to_it_and_within_it_nothing() {
        let base = config(&["alpha.cost_penalty=0.25"]);
        let costs = task(&base).child_costs(base.alpha.cost).unwrap();
        let (_, _, p, _) = penalise(&base);
        let entries = costs.operations.iter().flatten().flatten();
        let on = |p: &f64| 1.0 - (1.0 - p).powi(3);
        let expected: f64 = p.iter().zip(entries).map(|(p, cost)| on(p) * cost).sum();
        let expected = costs.fixed + expected;
        for share in [0.5, 0.9] {
            let budget = format!("alpha.cost_budget={}", share * expected);
            let (value, gradient, ..) = penalise(&config(&["alpha.cost_penalty=0.25", &budget]));
            let beyond = 0.25 * (1.0 / share - 1.0);
            assert!((value - beyond).abs() < 1e-5, "{value}, not {beyond}");
            assert!(gradient.iter().any(|g| g.abs() > 1e-4));
        }
        let budget = format!("alpha.cost_budget={}", 1.1 * expected);
        let (value, gradient, ..) = penalise(&config(&["alpha.cost_penalty=0.25", &budget]));
        assert!(value == 0.0 && gradient.iter().all(|g| *g == 0.0));
    }

    #[test]
    fn the_distance_is_the_mean_between_probabilities_and_code() {
        let config = config(&["alpha.distribution_penalty=0.5"]);
        let (value, gradient, p, weights) = penalise(&config);
        assert!(weights.iter().all(|w| *w == 0.0 || *w == 1.0));
        let distances: Vec<f64> = p.iter().zip(&weights).map(|(p, w)| (p - w).abs()).collect();
        let expected = 0.5 * distances.iter().sum::<f64>() / 12.0;
        assert!((value - expected).abs() < 1e-6, "{value}, not {expected}");
        // The part through p alone; what the estimator adds is its own and tested there.
        let by_p = |(p, w): (&f64, &f64)| (p - w).signum() * 0.5 / 12.0;
        let by_p: Vec<f64> = p.iter().zip(&weights).map(by_p).collect();
        let direct = through_softmax(&p[6..], &by_p[6..]);
        let differs = |(a, b): (&f64, &f64)| (a - b).abs() > 1e-4;
        assert!(
            gradient.iter().zip(&direct).any(differs),
            "the code learns too"
        );
    }

    #[test]
    fn the_distance_of_certain_probabilities_vanishes_and_none_is_none() {
        let config = config(&["alpha.distribution_penalty=0.5", "architecture.draws=1"]);
        let device = Default::default();
        let mut architecture =
            Architecture::<Train>::uniform(&config.space, config.architecture.activation, &device);
        let certain = Tensor::<Train, 3>::from_floats([[[60.0, 0.0, 0.0]; 2]; 2], &device);
        architecture.logits = architecture.logits.map(|_| certain.clone());
        let key = NoiseKey::new(1, 1);
        let sample = architecture.sample(&config.architecture, 1.0, key).unwrap();
        let value = penalty(&config, &task(&config), &architecture, &sample).unwrap();
        assert!(value.into_scalar().abs() < 1e-6);
        let off = Config::resolve(None, &[]).unwrap();
        assert!(penalty(&off, &task(&off), &architecture, &sample).is_none());
    }
}
