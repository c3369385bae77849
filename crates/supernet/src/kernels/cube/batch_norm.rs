//! Batch normalisation and its gradient.
//!
//! Both need sums over a channel before they can write anything, so each is two kernels with the
//! same cubes: the first leaves the sums over each slice of a channel, the second combines them
//! again in every cube and writes the slice.

use cubecl::prelude::*;

use super::{
    geometry::{Planes, Slices, position_in_channel},
    team::{board, slice, slice_length, sum},
};

/// Mean and sum of squared distances to it of every slice, `[channels, slices, 2]`.
#[cube(launch_unchecked)]
pub(super) fn statistics_kernel<F: Float>(
    x: &Array<F>,
    partials: &mut Array<f32>,
    planes: &Planes,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let area = planes.height * planes.width;
    let mut own = 0.0f32;
    let mut index = slice.first;
    while index < slice.end {
        let at = position_in_channel(index, slice.sum, planes.channels, area);
        own += f32::cast_from(x[at]);
        index += CUBE_DIM as usize;
    }
    let mean = sum(&mut board, own) / f32::cast_from(slice.length);

    let mut own = 0.0f32;
    let mut index = slice.first;
    while index < slice.end {
        let at = position_in_channel(index, slice.sum, planes.channels, area);
        let distance = f32::cast_from(x[at]) - mean;
        own += distance * distance;
        index += CUBE_DIM as usize;
    }
    let squares = sum(&mut board, own);
    if UNIT_POS == 0 && slice.sum < slices.sums {
        partials[CUBE_POS * 2] = mean;
        partials[CUBE_POS * 2 + 1] = squares;
    }
}

/// `y = (x - mean) / sqrt(variance + eps)`; the first slice of a channel also writes its mean and
/// variance.
///
/// The slices' statistics combine exactly: with lengths `n_s`, means `m_s` and squared distances
/// `q_s`, the mean is `sum n_s m_s / n` and the variance `sum (q_s + n_s (m_s - mean)^2) / n`.
#[cube(launch_unchecked)]
pub(super) fn normalise_kernel<F: Float>(
    x: &Array<F>,
    partials: &Array<f32>,
    y: &mut Array<F>,
    means: &mut Array<F>,
    variances: &mut Array<F>,
    planes: &Planes,
    slices: &Slices,
    eps: f32,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let mut known = slices.count;
    if slice.sum >= slices.sums {
        known = 0;
    }
    let first = slice.sum * slices.count;
    let values = f32::cast_from(slices.values);

    let mut own = 0.0f32;
    let mut index = UNIT_POS as usize;
    while index < known {
        let length = f32::cast_from(slice_length(slices, index));
        own += length * partials[(first + index) * 2];
        index += CUBE_DIM as usize;
    }
    let mean = sum(&mut board, own) / values;

    let mut own = 0.0f32;
    let mut index = UNIT_POS as usize;
    while index < known {
        let length = f32::cast_from(slice_length(slices, index));
        let distance = partials[(first + index) * 2] - mean;
        own += partials[(first + index) * 2 + 1] + length * distance * distance;
        index += CUBE_DIM as usize;
    }
    let variance = sum(&mut board, own) / values;

    let scale = 1.0f32 / (variance + eps).sqrt();
    let area = planes.height * planes.width;
    let mut index = slice.first;
    while index < slice.end {
        let at = position_in_channel(index, slice.sum, planes.channels, area);
        y[at] = F::cast_from((f32::cast_from(x[at]) - mean) * scale);
        index += CUBE_DIM as usize;
    }
    if UNIT_POS == 0 && CUBE_POS == first && slice.sum < slices.sums {
        means[slice.sum] = F::cast_from(mean);
        variances[slice.sum] = F::cast_from(variance);
    }
}

/// Sums of `dy` and of `dy * y` over every slice, `[channels, slices, 2]`.
#[cube(launch_unchecked)]
pub(super) fn gradient_sums_kernel<F: Float>(
    y: &Array<F>,
    dy: &Array<F>,
    partials: &mut Array<f32>,
    planes: &Planes,
    slices: &Slices,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let area = planes.height * planes.width;
    let mut own = 0.0f32;
    let mut own_products = 0.0f32;
    let mut index = slice.first;
    while index < slice.end {
        let at = position_in_channel(index, slice.sum, planes.channels, area);
        let upstream = f32::cast_from(dy[at]);
        own += upstream;
        own_products += upstream * f32::cast_from(y[at]);
        index += CUBE_DIM as usize;
    }
    let total = sum(&mut board, own);
    let products = sum(&mut board, own_products);
    if UNIT_POS == 0 && slice.sum < slices.sums {
        partials[CUBE_POS * 2] = total;
        partials[CUBE_POS * 2 + 1] = products;
    }
}

/// `dx = (dy - mean(dy) - y * mean(dy * y)) / sqrt(variance + eps)`.
#[cube(launch_unchecked)]
pub(super) fn gradient_kernel<F: Float>(
    y: &Array<F>,
    dy: &Array<F>,
    variances: &Array<F>,
    partials: &Array<f32>,
    dx: &mut Array<F>,
    planes: &Planes,
    slices: &Slices,
    eps: f32,
    #[define(F)] _dtype: StorageType,
) {
    let mut board = board();
    let slice = slice(slices);
    let mut known = slices.count;
    if slice.sum >= slices.sums {
        known = 0;
    }
    let first = slice.sum * slices.count;
    let mut own = 0.0f32;
    let mut own_products = 0.0f32;
    let mut index = UNIT_POS as usize;
    while index < known {
        own += partials[(first + index) * 2];
        own_products += partials[(first + index) * 2 + 1];
        index += CUBE_DIM as usize;
    }
    let values = f32::cast_from(slices.values);
    let offset = sum(&mut board, own) / values;
    let slope = sum(&mut board, own_products) / values;

    if slice.sum < slices.sums {
        let scale = 1.0f32 / (f32::cast_from(variances[slice.sum]) + eps).sqrt();
        let area = planes.height * planes.width;
        let mut index = slice.first;
        while index < slice.end {
            let at = position_in_channel(index, slice.sum, planes.channels, area);
            let centred = f32::cast_from(dy[at]) - offset - f32::cast_from(y[at]) * slope;
            dx[at] = F::cast_from(centred * scale);
            index += CUBE_DIM as usize;
        }
    }
}
