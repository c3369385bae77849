//! The recorded resamplings, for every backend.

use burn::tensor::{Tensor, TensorData, backend::AutodiffBackend};
use serde_json::Value;
use supernet::kernels::{Corners, KernelBackend, upsample_bilinear};

use crate::file::{array, close, list, segmentation};

fn tensor<B: AutodiffBackend>(value: &Value, device: &B::Device) -> Tensor<B, 4> {
    let (numbers, shape) = array(value);
    Tensor::from_data(TensorData::new(numbers, shape), device)
}

fn same<B: AutodiffBackend<InnerBackend: KernelBackend>>(
    actual: Tensor<B::InnerBackend, 4>,
    expected: &Value,
    what: &str,
) {
    let (numbers, shape) = array(expected);
    assert_eq!(actual.dims().to_vec(), shape, "{what}");
    let actual = actual.into_data().to_vec().expect("the tests use f32");
    close(&actual, &numbers, None, what);
}

/// Fails unless values and gradients of every case are those recorded.
pub fn check<B>(device: &B::Device)
where
    B: AutodiffBackend<InnerBackend: KernelBackend> + KernelBackend,
{
    for case in list(&segmentation()["bilinear"]) {
        let name = case["name"].as_str().expect("every case has a name");
        let corners = match case["align_corners"].as_bool() {
            Some(true) => Corners::Aligned,
            Some(false) => Corners::HalfPixel,
            None => panic!("{name}: no align_corners"),
        };
        let size = list(&case["output_size"]);
        let size = [0, 1].map(|axis| size[axis].as_u64().expect("a size") as usize);
        let x = tensor::<B>(&case["input"], device).require_grad();
        let y = upsample_bilinear(x.clone(), size, corners);
        same::<B>(
            y.clone().inner(),
            &case["output"],
            &format!("{name}, output"),
        );
        let gradients = (y * tensor(&case["upstream"], device)).sum().backward();
        let gradient = x.grad(&gradients).expect("the input is tracked");
        same::<B>(gradient, &case["grad_input"], &format!("{name}, gradient"));
    }
}
