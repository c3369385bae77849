//! Launches of the gated sum.

use burn_cubecl::{CubeRuntime, tensor::CubeTensor};

use super::buffers::{cube_dim, cubes, empty, numbers, partials, rows, units};
use crate::kernels::GateTerm;
use crate::kernels::cube::gate::{
    ACTIVATIONS, StatesLaunch, mix_gradient_kernel, mix_kernel, weight_sums_kernel,
    weight_table_kernel,
};
use crate::kernels::cube::geometry::Slices;

/// States and products in row order, with their sizes.
struct Inputs<R: CubeRuntime> {
    states: CubeTensor<R>,
    products: CubeTensor<R>,
    sizes: [usize; 3],
}

impl<R: CubeRuntime> Inputs<R> {
    fn new(states: CubeTensor<R>, products: CubeTensor<R>) -> Self {
        let sizes @ [count, batch, hidden] = states.meta.shape().dims::<3>();
        Self {
            states: rows(states, sizes),
            products: rows(products, [count, batch, 2 * hidden]),
            sizes,
        }
    }

    fn arg(&self) -> StatesLaunch<R> {
        let [count, batch, hidden] = self.sizes;
        StatesLaunch::new(count, batch, hidden)
    }

    /// Places of the weights of terms that are on, `[states, activations]`.
    fn entries(&self, terms: &[GateTerm], ops: usize) -> CubeTensor<R> {
        let mut entries = vec![0; self.sizes[0] * ACTIVATIONS];
        for term in terms.iter().filter(|term| term.on) {
            let place = term.state * ACTIVATIONS + term.activation as usize;
            entries[place] = (term.entry[0] * ops + term.entry[1] + 1) as u32;
        }
        numbers(&self.states, &entries)
    }
}

/// The sum, `[batch, hidden]`.
pub(in crate::kernels::cube) fn gated_mix<R: CubeRuntime>(
    states: CubeTensor<R>,
    products: CubeTensor<R>,
    weights: CubeTensor<R>,
    terms: &[GateTerm],
) -> CubeTensor<R> {
    let inputs = Inputs::new(states, products);
    let [_, batch, hidden] = inputs.sizes;
    let table @ [_, ops] = weights.meta.shape().dims::<2>();
    let weights = rows(weights, table);
    let entries = inputs.entries(terms, ops);
    let out = empty(&inputs.states, [batch, hidden]);
    // SAFETY: see `launch`; entries lie within the table, which the callers of kernels check.
    unsafe {
        mix_kernel::launch_unchecked::<R>(
            &out.client,
            units(batch * hidden),
            cube_dim(),
            inputs.states.clone().into_array_arg(),
            inputs.products.clone().into_array_arg(),
            weights.into_array_arg(),
            entries.into_array_arg(),
            out.clone().into_array_arg(),
            inputs.arg(),
            out.dtype.into(),
        );
    }
    out
}

/// Gradients of states and products.
pub(in crate::kernels::cube) fn gated_mix_gradient<R: CubeRuntime>(
    states: CubeTensor<R>,
    products: CubeTensor<R>,
    weights: CubeTensor<R>,
    terms: &[GateTerm],
    dy: CubeTensor<R>,
) -> [CubeTensor<R>; 2] {
    let inputs = Inputs::new(states, products);
    let [count, batch, hidden] = inputs.sizes;
    let table @ [_, ops] = weights.meta.shape().dims::<2>();
    let weights = rows(weights, table);
    let dy = rows(dy, [batch, hidden]);
    let entries = inputs.entries(terms, ops);
    let dstates = empty(&inputs.states, inputs.sizes);
    let dproducts = empty(&inputs.states, [count, batch, 2 * hidden]);
    // SAFETY: see `launch`; entries lie within the table, which the callers of kernels check.
    unsafe {
        mix_gradient_kernel::launch_unchecked::<R>(
            &dstates.client,
            units(count * batch * hidden),
            cube_dim(),
            inputs.states.clone().into_array_arg(),
            inputs.products.clone().into_array_arg(),
            weights.into_array_arg(),
            entries.into_array_arg(),
            dy.into_array_arg(),
            dstates.clone().into_array_arg(),
            dproducts.clone().into_array_arg(),
            inputs.arg(),
            dstates.dtype.into(),
        );
    }
    [dstates, dproducts]
}

/// Gradient of the weights of all terms, in the shape of `weights`.
pub(in crate::kernels::cube) fn gated_mix_weights<R: CubeRuntime>(
    states: CubeTensor<R>,
    products: CubeTensor<R>,
    weights: &CubeTensor<R>,
    terms: &[GateTerm],
    dy: CubeTensor<R>,
) -> CubeTensor<R> {
    let inputs = Inputs::new(states, products);
    let [_, batch, hidden] = inputs.sizes;
    let table @ [edges, ops] = weights.meta.shape().dims::<2>();
    let dy = rows(dy, [batch, hidden]);
    let of_terms = terms.iter();
    let of_terms = of_terms.flat_map(|term| [term.state as u32, term.activation as u32]);
    let mut owners = vec![0; edges * ops];
    for (index, term) in terms.iter().enumerate() {
        owners[term.entry[0] * ops + term.entry[1]] = index as u32 + 1;
    }
    let of_terms = numbers(&inputs.states, &of_terms.collect::<Vec<_>>());
    let owners = numbers(&inputs.states, &owners);
    let slices = Slices::new(terms.len(), batch * hidden);
    let sums = partials(&inputs.states, slices.cubes());
    let dweights = empty(&inputs.states, table);
    // SAFETY: see `launch`; terms name states that are there, which the callers of kernels check.
    unsafe {
        weight_sums_kernel::launch_unchecked::<R>(
            &dweights.client,
            cubes(slices.cubes()),
            cube_dim(),
            inputs.states.clone().into_array_arg(),
            inputs.products.clone().into_array_arg(),
            of_terms.into_array_arg(),
            dy.into_array_arg(),
            sums.clone().into_array_arg(),
            inputs.arg(),
            slices.arg(),
            dweights.dtype.into(),
        );
        weight_table_kernel::launch_unchecked::<R>(
            &dweights.client,
            units(edges * ops),
            cube_dim(),
            sums.into_array_arg(),
            owners.into_array_arg(),
            dweights.clone().into_array_arg(),
            edges * ops,
            slices.arg(),
            dweights.dtype.into(),
        );
    }
    dweights
}
