use std::collections::BTreeMap;

use burn::backend::Autodiff;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, backend::AutodiffBackend};
use burn_flex::{Flex, FlexDevice};
use supernet::{NetworkConfig, SearchSpace, SupernetConfig};

pub type Train = Autodiff<Flex>;

pub fn device() -> FlexDevice {
    FlexDevice
}

/// Unequal axes on purpose.
pub fn small_config(cells: usize) -> SupernetConfig {
    SupernetConfig {
        network: NetworkConfig {
            image_channels: 1,
            classes: 5,
            channels: 4,
            cells,
        },
        space: SearchSpace {
            nodes: 2,
            ..Default::default()
        },
    }
}

pub fn images<B: burn::tensor::backend::Backend>(
    shape: [usize; 4],
    device: &B::Device,
) -> Tensor<B, 4> {
    // A fixed wave rather than the process-wide generator, which parallel tests would disturb.
    let count = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..count)
        .map(|i| ((i * 37 % 101) as f32 * 0.13).sin())
        .collect();
    Tensor::from_data(burn::tensor::TensorData::new(values, shape), device)
}

/// Gradients by parameter id; parameters without one are absent.
pub fn gradients<M: Module<Train>>(
    module: &M,
    gradients: &<Train as AutodiffBackend>::Gradients,
) -> BTreeMap<u64, Vec<f32>> {
    struct Collect<'a>(
        &'a <Train as AutodiffBackend>::Gradients,
        BTreeMap<u64, Vec<f32>>,
    );
    impl ModuleVisitor<Train> for Collect<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<Train, D>>) {
            if let Some(gradient) = param.val().grad(self.0) {
                let values = gradient.into_data().to_vec().unwrap();
                self.1.insert(param.id.val(), values);
            }
        }
    }
    let mut collect = Collect(gradients, BTreeMap::new());
    module.visit(&mut collect);
    collect.1
}

pub fn assert_close(a: &[f32], b: &[f32], relative: f32, what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let scale = a
        .iter()
        .chain(b)
        .fold(0.0f32, |m, v| m.max(v.abs()))
        .max(1e-6);
    for (x, y) in a.iter().zip(b) {
        assert!(
            (x - y).abs() <= relative * scale,
            "{what}: {x} and {y} (scale {scale})"
        );
    }
}
