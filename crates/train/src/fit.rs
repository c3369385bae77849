use burn::module::AutodiffModule;
use burn::optim::{GradientsParams, Optimizer};
use burn::tensor::Tensor;
use serde::{Deserialize, Serialize};
use supernet::{
    DerivedConfig, DerivedNetwork, Form, Genotype, NetworkConfig, Statistics, TrainBackend,
    WeightInit, count_weights,
};
use workbench::data::{Augment, RngKey, Splits, epoch_order, index_batches};
use workbench::evaluate::{cross_entropy, score};
use workbench::optim::{clip_global_norm, cosine, sgd_config};

use crate::TrainError;

/// How a derived network is trained: SGD with momentum, a learning rate that falls to zero along a
/// cosine, and clipping of the global gradient norm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitConfig {
    /// The cells.
    pub genotype: Genotype,
    /// Channels of the first cells.
    pub channels: usize,
    /// Number of cells.
    pub cells: usize,
    /// Passes over the training images.
    pub epochs: usize,
    /// Images of a step.
    pub batch_size: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Momentum, without dampening.
    pub momentum: f64,
    /// L2 decay, added to the gradient.
    pub weight_decay: f64,
    /// Largest norm of all gradients together.
    pub clip_norm: f64,
    /// Random changes to the training images.
    pub augment: Augment,
    /// Seed of weights, order and changes.
    pub seed: u64,
}

/// What is known at the end of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FitEpoch {
    /// Epoch, counted from 1.
    pub epoch: usize,
    /// Mean training loss, in nats.
    pub train_loss: f64,
}

/// The end of a training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FitOutcome {
    /// Weights of the network.
    pub weights: usize,
    /// Mean test loss, in nats.
    pub test_loss: f64,
    /// Test error, in percent.
    pub test_error: f64,
}

impl FitConfig {
    /// Checks every value that can be checked without the data.
    ///
    /// # Errors
    ///
    /// Naming the option, what was found and what would be valid.
    pub fn validate(&self) -> Result<(), TrainError> {
        let refuse = |option, found: String, valid: &str| {
            Err(TrainError::Option {
                option,
                found,
                valid: valid.into(),
            })
        };
        if self.epochs == 0 {
            return refuse("epochs", "0".into(), "1 or more");
        }
        if self.batch_size < 2 {
            return refuse("batch-size", self.batch_size.to_string(), "2 or more");
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return refuse(
                "learning-rate",
                self.learning_rate.to_string(),
                "a positive number",
            );
        }
        Ok(())
    }
}

/// Trains a derived network from fresh weights on the training images and scores it, with its
/// running statistics, on the test images.
///
/// # Errors
///
/// When the configuration is impossible or training diverges.
pub fn fit<B: TrainBackend>(
    config: &FitConfig,
    data: &Splits,
    device: &B::Device,
    mut on_step: impl FnMut(),
    mut on_epoch: impl FnMut(FitEpoch),
) -> Result<FitOutcome, TrainError> {
    config.validate()?;
    let [image_channels, height, width] = data.train.image_shape();
    let network = NetworkConfig {
        image_channels,
        classes: data.train.classes(),
        channels: config.channels,
        cells: config.cells,
    };
    network.validate_image(height, width)?;
    if config.batch_size > data.train.len() {
        return Err(TrainError::Option {
            option: "batch-size",
            found: config.batch_size.to_string(),
            valid: format!("2 to {}, the number of training images", data.train.len()),
        });
    }
    let genotype = config.genotype.clone();
    let derived = DerivedConfig {
        network,
        genotype,
        form: Form::Retrained,
    };
    let mut model: DerivedNetwork<B> = derived.init(&mut WeightInit::new(config.seed), device)?;
    let weights = count_weights(&model);
    let mut optimizer = sgd_config(config.momentum, config.weight_decay).init();

    let steps = data.train.len() / config.batch_size;
    for epoch in 0..config.epochs {
        let key = RngKey {
            seed: config.seed,
            epoch: epoch as u64,
        };
        let order = epoch_order(data.train.len(), key.seed, key.epoch);
        let mut total = Tensor::<B::InnerBackend, 1>::zeros([1], device);
        for (step, indices) in index_batches(&order, config.batch_size, true).enumerate() {
            let progress = (epoch * steps + step) as f64 / (config.epochs * steps) as f64;
            let batch = data
                .train
                .batch::<B>(indices, Some(&config.augment), key, device);
            let loss = cross_entropy(model.forward(batch.images, Statistics::TRAIN), batch.labels);
            total = total + loss.clone().inner();
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            let (gradients, _) = clip_global_norm(gradients, &model, config.clip_norm);
            model = optimizer.step(
                cosine(config.learning_rate, 0.0, progress),
                model,
                gradients,
            );
            on_step();
        }
        let total = total.into_data().iter::<f64>().next().unwrap_or(f64::NAN);
        let train_loss = total / steps as f64;
        if !train_loss.is_finite() {
            return Err(TrainError::Diverged {
                loss: train_loss,
                epoch: epoch + 1,
            });
        }
        on_epoch(FitEpoch {
            epoch: epoch + 1,
            train_loss,
        });
    }

    let model = model.valid();
    let forward = |images, _| Ok::<_, TrainError>(model.forward(images, Statistics::Running));
    let test = score(&data.test, config.batch_size, config.seed, device, forward)?;
    Ok(FitOutcome {
        weights,
        test_loss: test.loss,
        test_error: test.error,
    })
}
