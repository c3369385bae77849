use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Tensor, backend::Backend};

/// The fields of a layer that hold running statistics begin so.
const RUNNING: &str = "running_";

/// Number of trained weights of a module; running statistics do not count.
pub fn count_weights<B: Backend, M: Module<B>>(module: &M) -> usize {
    #[derive(Default)]
    struct Count {
        weights: usize,
        running: usize,
    }
    impl<B: Backend> ModuleVisitor<B> for Count {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.running += usize::from(name.starts_with(RUNNING));
        }
        fn exit_module(&mut self, name: &str, _: &str) {
            self.running -= usize::from(name.starts_with(RUNNING));
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
            if self.running == 0 {
                self.weights += param.shape().num_elements();
            }
        }
    }
    let mut count = Count::default();
    module.visit(&mut count);
    count.weights
}
