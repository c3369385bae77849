//! A few SVG elements as text.

use std::fmt::Write as _;

/// An axis-parallel rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rect {
    /// A rectangle around its centre.
    pub(crate) fn around(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            left: x - width / 2.0,
            top: y - height / 2.0,
            width,
            height,
        }
    }

    /// Whether the two share an area.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.left + other.width
            && other.left < self.left + self.width
            && self.top < other.top + other.height
            && other.top < self.top + self.height
    }

    /// Whether the point lies inside.
    pub(crate) fn contains(&self, (x, y): (f64, f64)) -> bool {
        (self.left..self.left + self.width).contains(&x)
            && (self.top..self.top + self.height).contains(&y)
    }
}

/// An SVG document that grows.
#[derive(Debug, Default)]
pub(crate) struct Svg(String);

impl Svg {
    /// A rectangle with rounded corners.
    pub(crate) fn rect(&mut self, rect: Rect, radius: f64, fill: &str, stroke: &str) {
        let Rect {
            left,
            top,
            width,
            height,
        } = rect;
        let _ = writeln!(
            self.0,
            r#"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" rx="{radius}" fill="{fill}" stroke="{stroke}"/>"#
        );
    }

    /// An open line; `extra` are further attributes.
    pub(crate) fn path(&mut self, data: &str, stroke: &str, width: f64, extra: &str) {
        let _ = writeln!(
            self.0,
            r#"<path d="{data}" fill="none" stroke="{stroke}" stroke-width="{width}" {extra}/>"#
        );
    }

    /// A filled shape.
    pub(crate) fn shape(&mut self, data: &str, fill: &str) {
        let _ = writeln!(self.0, r#"<path d="{data}" fill="{fill}"/>"#);
    }

    /// A line of text, vertically centred on `y`; `anchor` is `start`, `middle` or `end`.
    pub(crate) fn text(
        &mut self,
        (x, y): (f64, f64),
        content: &str,
        size: f64,
        fill: &str,
        anchor: &str,
    ) {
        let content = escape(content);
        let baseline = y + 0.35 * size;
        let _ = writeln!(
            self.0,
            r#"<text x="{x:.1}" y="{baseline:.1}" font-size="{size}" fill="{fill}" text-anchor="{anchor}">{content}</text>"#
        );
    }

    /// Puts another document's elements at a distance below the top.
    pub(crate) fn group(&mut self, down: f64, inner: &Self) {
        let _ = writeln!(self.0, r#"<g transform="translate(0 {down:.1})">"#);
        self.0 += &inner.0;
        self.0 += "</g>\n";
    }

    /// The whole document, on white.
    pub(crate) fn finish(self, width: f64, height: f64) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"DejaVu Sans, Verdana, Arial, \
             sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{}</svg>\n",
            self.0
        )
    }
}

/// A width that the text does not exceed in common fonts.
pub(crate) fn text_width(content: &str, size: f64) -> f64 {
    0.65 * size * content.chars().count() as f64
}

fn escape(content: &str) -> String {
    // Control characters are not allowed in XML even when escaped.
    let printable: String = content.chars().filter(|c| !c.is_control()).collect();
    printable
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
