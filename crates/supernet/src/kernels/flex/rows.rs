//! Copies of short rows.

/// Copies the first values of `from` to all of `to`.
#[inline(always)]
pub(super) fn copy_row(to: &mut [f32], from: &[f32]) {
    map_row(to, from, |value| value);
}

/// Writes `map` of the first values of `from` to all of `to`. Rows are short: at the usual widths
/// a call to copy memory would take longer than the copy.
#[inline(always)]
pub(super) fn map_row(to: &mut [f32], from: &[f32], map: impl Fn(f32) -> f32) {
    match to.len() {
        2 => map_array::<2>(to, from, map),
        4 => map_array::<4>(to, from, map),
        8 => map_array::<8>(to, from, map),
        16 => map_array::<16>(to, from, map),
        24 => map_array::<24>(to, from, map),
        32 => map_array::<32>(to, from, map),
        _ => {
            for (to, from) in to.iter_mut().zip(from) {
                *to = map(*from);
            }
        }
    }
}

#[inline(always)]
fn map_array<const N: usize>(to: &mut [f32], from: &[f32], map: impl Fn(f32) -> f32) {
    if let (Some(to), Some(from)) = (to.first_chunk_mut::<N>(), from.first_chunk::<N>()) {
        // `from.map` would compute one value after the other.
        let mut values = *from;
        for value in &mut values {
            *value = map(*value);
        }
        *to = values;
    }
}

/// Like [`map_row`] from every second value; a loop over pairs compiles to shuffles.
#[inline(always)]
pub(super) fn map_every_second(to: &mut [f32], from: &[f32], map: impl Fn(f32) -> f32) {
    let (pairs, rest) = from.as_chunks::<2>();
    let paired = pairs.len().min(to.len());
    for (to, [first, _]) in to.iter_mut().zip(pairs) {
        *to = map(*first);
    }
    if let (Some(to), Some(last)) = (to.get_mut(paired), rest.first()) {
        *to = map(*last);
    }
}
