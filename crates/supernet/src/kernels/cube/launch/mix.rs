//! Launches of weighted sums, steps of descent and other small things.

use burn::tensor::Shape;
use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, cubes, empty, numbers, partials, rows, units};
use crate::kernels::cube::gate::weight_table_kernel;
use crate::kernels::cube::geometry::Slices;
use crate::kernels::cube::mix::{
    FactorsLaunch, descend_kernel, inner_product_kernel, move_statistics_kernel, rectify_kernel,
    weighted_kernel,
};
use crate::kernels::{DeferredTerm, Descent};

/// `sum + weights[entry] * term`.
pub(in crate::kernels::cube) fn add_weighted<R: CubeRuntime>(
    sum: Option<CubeTensor<R>>,
    term: CubeTensor<R>,
    weights: CubeTensor<R>,
    entry: [usize; 2],
) -> CubeTensor<R> {
    let shape = term.meta.shape().clone();
    let count = shape.num_elements();
    let table @ [_, ops] = weights.meta.shape().dims::<2>();
    let (term, weights) = (rows(term, shape.clone()), rows(weights, table));
    let summed = sum.is_some();
    let sum = match sum {
        Some(sum) => rows(sum, shape.clone()),
        None => term.clone(),
    };
    let out = empty(&term, shape);
    // SAFETY: see `launch`; the entry lies within the table, which the callers of kernels check.
    unsafe {
        weighted_kernel::launch_unchecked::<R>(
            &out.client,
            units(count),
            cube_dim(),
            sum.into_array_arg(),
            term.clone().into_array_arg(),
            weights.into_array_arg(),
            out.clone().into_array_arg(),
            entry[0] * ops + entry[1],
            count,
            summed,
            out.dtype.into(),
        );
    }
    out
}

/// The inner products of terms with `dy`, each at its place in a table `[edges, ops]` of zeros. Terms are computed
/// one after the other, and none is kept.
pub(in crate::kernels::cube) fn weight_gradients<R: CubeRuntime>(
    [edges, ops]: [usize; 2],
    dy: CubeTensor<R>,
    terms: Vec<DeferredTerm<CubeTensor<R>>>,
) -> CubeTensor<R> {
    let shape = dy.meta.shape().clone();
    let slices = Slices::new(1, shape.num_elements());
    let dy = rows(dy, shape.clone());
    let sums = partials(&dy, terms.len() * slices.cubes());
    let out = empty(&dy, Shape::new([edges, ops]));
    let mut owners = vec![0; edges * ops];
    for (index, DeferredTerm { entry, compute }) in terms.into_iter().enumerate() {
        owners[entry[0] * ops + entry[1]] = index as u32 + 1;
        let term = rows(compute(), shape.clone());
        assert_eq!(term.dtype, dy.dtype, "types do not fit");
        // SAFETY: see `launch`; there is room for the slices of each term.
        unsafe {
            inner_product_kernel::launch_unchecked::<R>(
                &out.client,
                cubes(slices.cubes()),
                cube_dim(),
                term.into_array_arg(),
                dy.clone().into_array_arg(),
                sums.clone().into_array_arg(),
                index * slices.cubes(),
                slices.arg(),
                out.dtype.into(),
            );
        }
    }
    let owners = numbers(&dy, &owners);
    // SAFETY: see `launch`; owners are terms that are there.
    unsafe {
        weight_table_kernel::launch_unchecked::<R>(
            &out.client,
            units(edges * ops),
            cube_dim(),
            sums.into_array_arg(),
            owners.into_array_arg(),
            out.clone().into_array_arg(),
            edges * ops,
            slices.arg(),
            out.dtype.into(),
        );
    }
    out
}

/// Weight and velocity after a step.
pub(in crate::kernels::cube) fn descend<R: CubeRuntime>(
    weight: CubeTensor<R>,
    gradient: CubeTensor<R>,
    velocity: Option<CubeTensor<R>>,
    descent: Descent,
) -> [CubeTensor<R>; 2] {
    let shape = weight.meta.shape().clone();
    let count = shape.num_elements();
    let (weight, gradient) = (rows(weight, shape.clone()), rows(gradient, shape.clone()));
    let moving = velocity.is_some();
    let velocity = match velocity {
        Some(velocity) => rows(velocity, shape.clone()),
        None => gradient.clone(),
    };
    let [new_weight, new_velocity] = [(); 2].map(|()| empty(&weight, shape.clone()));
    let factors = FactorsLaunch::new(
        descent.rate as f32,
        descent.decay as f32,
        descent.momentum as f32,
    );
    // SAFETY: see `launch`.
    unsafe {
        descend_kernel::launch_unchecked::<R>(
            &new_weight.client,
            units(count),
            cube_dim(),
            weight.clone().into_array_arg(),
            gradient.into_array_arg(),
            velocity.into_array_arg(),
            new_weight.clone().into_array_arg(),
            new_velocity.clone().into_array_arg(),
            factors,
            count,
            moving,
            new_weight.dtype.into(),
        );
    }
    [new_weight, new_velocity]
}

/// A ReLU of `x` where `y` is the same, its gradient where `y` is its output and `x` the gradient of that.
pub(in crate::kernels::cube) fn rectify<R: CubeRuntime>(
    y: CubeTensor<R>,
    x: CubeTensor<R>,
) -> CubeTensor<R> {
    let shape = y.meta.shape().clone();
    let count = shape.num_elements();
    let (y, x) = (rows(y, shape.clone()), rows(x, shape.clone()));
    let out = empty(&y, shape);
    // SAFETY: see `launch`.
    unsafe {
        rectify_kernel::launch_unchecked::<R>(
            &out.client,
            units(count),
            cube_dim(),
            y.into_array_arg(),
            x.into_array_arg(),
            out.clone().into_array_arg(),
            count,
            out.dtype.into(),
        );
    }
    out
}

/// Running means and variances after a batch.
pub(in crate::kernels::cube) fn move_statistics<R: CubeRuntime>(
    running: [CubeTensor<R>; 2],
    batch: [CubeTensor<R>; 2],
    share: f64,
    unbiased: f64,
) -> [CubeTensor<R>; 2] {
    let shape = running[0].meta.shape().clone();
    let count = shape.num_elements();
    let [old_means, old_variances] = running.map(|tensor| rows(tensor, shape.clone()));
    let [means, variances] = batch.map(|tensor| rows(tensor, shape.clone()));
    let new = [(); 2].map(|()| empty(&means, shape.clone()));
    // SAFETY: see `launch`.
    unsafe {
        move_statistics_kernel::launch_unchecked::<R>(
            &means.client,
            units(count),
            cube_dim(),
            old_means.into_array_arg(),
            old_variances.into_array_arg(),
            means.clone().into_array_arg(),
            variances.into_array_arg(),
            new[0].clone().into_array_arg(),
            new[1].clone().into_array_arg(),
            share as f32,
            unbiased as f32,
            count,
            means.dtype.into(),
        );
    }
    new
}
