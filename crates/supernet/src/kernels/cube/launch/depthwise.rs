//! Launches of the depthwise convolution.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, cubes, empty, partials, planes, rows, units};
use crate::kernels::{
    InputActivation, WindowOptions,
    cube::{
        depthwise::{fold_kernel, forward_kernel, input_gradient_kernel, weight_gradient_kernel},
        geometry::{Slices, Window},
    },
};

/// What the launches share: the sizes, checked against each other, and the window.
struct Problem {
    input: [usize; 4],
    output: [usize; 4],
    weight: [usize; 4],
    window: Window,
}

impl Problem {
    fn new(
        input: [usize; 4],
        kernel: [usize; 2],
        options: WindowOptions,
        activation: InputActivation,
    ) -> Self {
        let [batch, channels, height, width] = input;
        let [out_h, out_w] = options.output_size([height, width], kernel);
        Self {
            input,
            output: [batch, channels, out_h, out_w],
            weight: [channels, 1, kernel[0], kernel[1]],
            window: Window::new(kernel, options, activation),
        }
    }

    fn out(&self) -> [usize; 2] {
        [self.output[2], self.output[3]]
    }
}

/// The output `[batch, channels, out_h, out_w]`.
pub(in crate::kernels::cube) fn depthwise<R: CubeRuntime>(
    x: CubeTensor<R>,
    weight: CubeTensor<R>,
    options: WindowOptions,
    activation: InputActivation,
) -> CubeTensor<R> {
    let [_, _, kernel_h, kernel_w] = weight.meta.shape().dims::<4>();
    let problem = Problem::new(
        x.meta.shape().dims::<4>(),
        [kernel_h, kernel_w],
        options,
        activation,
    );
    let x = rows(x, problem.input);
    let weight = rows(weight, problem.weight);
    let y = empty(&x, problem.output);
    // SAFETY: see `launch`.
    unsafe {
        forward_kernel::launch_unchecked::<R>(
            &y.client,
            units(y.meta.num_elements()),
            cube_dim(),
            x.into_array_arg(),
            weight.into_array_arg(),
            y.clone().into_array_arg(),
            planes(problem.input, problem.out()),
            problem.window,
            y.dtype.into(),
        );
    }
    y
}

/// `dx` `[batch, channels, height, width]`.
pub(in crate::kernels::cube) fn input_gradient<R: CubeRuntime>(
    x: CubeTensor<R>,
    weight: CubeTensor<R>,
    dy: CubeTensor<R>,
    options: WindowOptions,
    activation: InputActivation,
) -> CubeTensor<R> {
    let [_, _, kernel_h, kernel_w] = weight.meta.shape().dims::<4>();
    let problem = Problem::new(
        x.meta.shape().dims::<4>(),
        [kernel_h, kernel_w],
        options,
        activation,
    );
    let x = rows(x, problem.input);
    let weight = rows(weight, problem.weight);
    let dy = rows(dy, problem.output);
    let dx = empty(&x, problem.input);
    // SAFETY: see `launch`.
    unsafe {
        input_gradient_kernel::launch_unchecked::<R>(
            &dx.client,
            units(dx.meta.num_elements()),
            cube_dim(),
            x.into_array_arg(),
            weight.into_array_arg(),
            dy.into_array_arg(),
            dx.clone().into_array_arg(),
            planes(problem.input, problem.out()),
            problem.window,
            dx.dtype.into(),
        );
    }
    dx
}

/// `dw` `[channels, 1, kernel_h, kernel_w]`: one kernel, or two where the sums are cut into slices.
pub(in crate::kernels::cube) fn weight_gradient<R: CubeRuntime>(
    x: CubeTensor<R>,
    dy: CubeTensor<R>,
    kernel: [usize; 2],
    options: WindowOptions,
    activation: InputActivation,
) -> CubeTensor<R> {
    let problem = Problem::new(x.meta.shape().dims::<4>(), kernel, options, activation);
    let x = rows(x, problem.input);
    let dy = rows(dy, problem.output);
    let [batch, channels, out_h, out_w] = problem.output;
    let slices = Slices::new(channels * problem.window.taps(), batch * out_h * out_w);
    let dw = empty(&x, problem.weight);
    let sums = match slices.count {
        1 => dw.clone(),
        _ => partials(&x, slices.cubes()),
    };
    // SAFETY: see `launch`.
    unsafe {
        weight_gradient_kernel::launch_unchecked::<R>(
            &dw.client,
            cubes(slices.cubes()),
            cube_dim(),
            x.into_array_arg(),
            dy.into_array_arg(),
            sums.clone().into_array_arg(),
            planes(problem.input, problem.out()),
            slices.arg(),
            problem.window,
            [dw.dtype.into(), sums.dtype.into()],
        );
    }
    if slices.count > 1 {
        // SAFETY: see `launch`.
        unsafe {
            fold_kernel::launch_unchecked::<R>(
                &dw.client,
                units(slices.sums),
                cube_dim(),
                sums.into_array_arg(),
                dw.clone().into_array_arg(),
                slices.arg(),
                dw.dtype.into(),
            );
        }
    }
    dw
}
