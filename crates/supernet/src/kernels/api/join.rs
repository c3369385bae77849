//! Parameters that share a graph.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, ops::FloatTensor};

use super::primitive;
use crate::kernels::KernelBackend;

/// Lets all parameters of a module that are differentiated share one graph of Burn's; called before a pass.
///
/// Values and gradients are the same without it, but a pass is slower: each parameter has a graph of its own, and
/// where two meet Burn moves one into the other, often the larger one, which is all of the pass so far.
pub fn join_graphs<B: KernelBackend, M: Module<B>>(module: &M) {
    let mut parameters = Parameters(Vec::new());
    module.visit(&mut parameters);
    B::join_graphs(parameters.0);
}

struct Parameters<B: KernelBackend>(Vec<FloatTensor<B>>);

impl<B: KernelBackend> ModuleVisitor<B> for Parameters<B> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<B, D>>) {
        self.0.push(primitive(parameter.val()));
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use burn::backend::Autodiff;
    use burn::optim::GradientsParams;
    use burn::tensor::backend::Backend;
    use burn_flex::Flex;

    use super::*;

    #[derive(Module, Debug)]
    struct Chain<B: Backend> {
        links: Vec<Param<Tensor<B, 1>>>,
    }

    type B = Autodiff<Flex>;

    impl Chain<B> {
        fn of(links: usize) -> Self {
            let link = |place| {
                let values = [place as f32, 1.0 - place as f32];
                Param::from_tensor(Tensor::from_floats(values, &Default::default()))
            };
            Self {
                links: (0..links).map(link).collect(),
            }
        }

        /// Gradients of the sum of the products of neighbours.
        fn gradients(&self) -> Vec<Vec<f32>> {
            let pairs = self.links.iter().zip(&self.links[1..]);
            let products = pairs.map(|(left, right)| (left.val() * right.val()).sum());
            let sum = products.reduce(|sum, product| sum + product).unwrap();
            let gradients = GradientsParams::from_grads(sum.backward(), self);
            let gradient = |link: &Param<Tensor<B, 1>>| gradients.get::<Flex, 1>(link.id).unwrap();
            let values = self.links.iter().map(gradient);
            values
                .map(|tensor| tensor.into_data().to_vec().unwrap())
                .collect()
        }
    }

    #[test]
    fn gradients_are_those_of_parameters_with_graphs_of_their_own() {
        for links in [2, 31, 33, 1100] {
            let chain = Chain::of(links);
            let alone = chain.gradients();
            for _ in 0..2 {
                join_graphs(&chain);
                assert_eq!(chain.gradients(), alone, "{links} parameters");
            }
        }
        join_graphs(&Chain::of(0));
        join_graphs(&Chain::of(3).no_grad());
    }
}
