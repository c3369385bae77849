use burn_cubecl::CubeRuntime;
use cubecl::prelude::*;

use super::arithmetic::{Problem, ProblemLaunch, philox};
use crate::{EgsError, NoiseKey};

/// Random bits of a draw, one unit per block of four operations.
#[cube(launch)]
fn bits_kernel(bits: &mut Array<u32>, problem: &Problem) {
    let blocks = problem.ops.div_ceil(4);
    let block = ABSOLUTE_POS as u32 % blocks;
    let line = ABSOLUTE_POS as u32 / blocks;
    if line < problem.rows * problem.draws {
        let words = philox(problem, line / problem.draws, line % problem.draws, block);
        #[unroll]
        for lane in 0..4u32 {
            let op = block * 4 + lane;
            if op < problem.ops {
                bits[(line * problem.ops + op) as usize] = words[lane as usize];
            }
        }
    }
}

/// The random bits `[rows, draws, ops]` as a device makes them, to compare with
/// [`NoiseKey::bits`] when the kernels meet a new device.
///
/// # Errors
///
/// The bits could not be read back.
pub fn device_noise_bits<R: CubeRuntime>(
    device: &R::Device,
    key: NoiseKey,
    [rows, draws, ops]: [u32; 3],
) -> Result<Vec<u32>, EgsError> {
    let client = R::client(device);
    let count = rows as usize * draws as usize * ops as usize;
    if count == 0 {
        return Ok(Vec::new());
    }
    let handle = client.empty(count * size_of::<u32>());
    let [key_0, key_1] = key.words();
    let units = rows * draws * ops.div_ceil(4);
    bits_kernel::launch::<R>(
        &client,
        CubeCount::Static(units.div_ceil(64), 1, 1),
        CubeDim::new_1d(64),
        // SAFETY: the buffer was made for this number of words.
        unsafe { ArrayArg::from_raw_parts(handle.clone(), count) },
        ProblemLaunch::new(
            rows,
            ops,
            draws,
            1.0,
            key_0,
            key_1,
            key.step as u32,
            key.first_row,
        ),
    );
    let bytes = client
        .read_one(handle)
        .map_err(|error| EgsError::Read(format!("{error:?}")))?;
    Ok(u32::from_bytes(&bytes).to_vec())
}
