//! Colours that people with any colour vision can tell apart (Okabe and Ito, with grey in place of
//! their yellow, which is too pale for lines on white).

/// Red, green, blue.
pub(crate) type Rgb = (u8, u8, u8);

/// Lines that have a colour of their own.
pub(crate) const COUNT: usize = 8;

const COLOURS: [Rgb; COUNT] = [
    (0, 114, 178),
    (213, 94, 0),
    (0, 158, 115),
    (204, 121, 167),
    (230, 159, 0),
    (86, 180, 233),
    (0, 0, 0),
    (130, 130, 130),
];

/// The colour of the line of this index.
pub(crate) fn colour(index: usize) -> Rgb {
    COLOURS[index % COLOURS.len()]
}

/// Whether the line of this index repeats a colour and has to be dashed.
pub(crate) fn dashed(index: usize) -> bool {
    index / COLOURS.len() % 2 == 1
}

/// The colour in the form that SVG wants.
pub(crate) fn hex(index: usize) -> String {
    let (red, green, blue) = colour(index);
    format!("#{red:02x}{green:02x}{blue:02x}")
}
