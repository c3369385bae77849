//! The table as a picture: scores of supernet and child of every method.

use std::fmt::Write as _;

use workbench::record::Metric;

use super::table::Table;

const LEFT: f64 = 110.0;
const WIDTH: f64 = 560.0;
const TOP: f64 = 84.0;
const ROW: f64 = 44.0;

/// Column of the table, name in the legend with the metric in the place of `METRIC`, colour (Okabe and
/// Ito), distance from the row's middle.
const SERIES: [(usize, &str, &str, f64); 3] = [
    (0, "search METRIC", "#0072B2", -9.0),
    (1, "child METRIC", "#D55E00", 0.0),
    (3, "child METRIC, SECOND", "#009E73", 9.0),
];

/// A line for each method: a dot at the mean of each score, with one standard deviation to both
/// sides.
pub fn svg(table: &Table) -> String {
    let methods = table.methods();
    let spreads = |method| SERIES.map(|(column, ..)| table.spread(method, column));
    let largest = methods
        .iter()
        .flat_map(|method| spreads(method))
        .flatten()
        .fold(1.0_f64, |most, (mean, deviation, _)| {
            most.max(mean + deviation)
        });
    let step = tick(largest);
    let limit = (largest / step).ceil() * step;
    let x = |value: f64| LEFT + WIDTH * value.clamp(0.0, limit) / limit;
    let bottom = TOP + ROW * methods.len() as f64;
    let (width, height) = (LEFT + WIDTH + 40.0, bottom + 60.0);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut text = |x: f64, y: f64, size: u32, anchor: &str, content: &str| {
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\">{}</text>",
            escape(content)
        );
    };
    text(12.0, 26.0, 16, "start", &table.title);
    let middle = LEFT + WIDTH / 2.0;
    text(middle, bottom + 44.0, 12, "middle", &axis(&table.metric));
    for (index, method) in methods.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5) + 4.0;
        text(LEFT - 12.0, y, 13, "end", method);
    }
    for (index, (_, name, ..)) in SERIES.iter().enumerate() {
        let name = name
            .replace("METRIC", &table.metric.name)
            .replace("SECOND", table.second.curve());
        text(LEFT + 14.0 + 150.0 * index as f64, 56.0, 12, "start", &name);
    }
    let ticks = (limit / step).round() as usize;
    for index in 0..=ticks {
        let value = step * index as f64;
        text(x(value), bottom + 20.0, 11, "middle", &format!("{value}"));
    }
    for index in 0..=ticks {
        let at = x(step * index as f64);
        let _ = writeln!(
            out,
            "<path d=\"M{at:.1} {TOP:.1}V{bottom:.1}\" stroke=\"#e1e1e1\"/>"
        );
    }
    for (index, (_, _, colour, _)) in SERIES.iter().enumerate() {
        let at = LEFT + 4.0 + 150.0 * index as f64;
        let _ = writeln!(
            out,
            "<circle cx=\"{at:.1}\" cy=\"52\" r=\"5\" fill=\"{colour}\"/>"
        );
    }
    for (index, method) in methods.iter().enumerate() {
        for ((_, _, colour, shift), spread) in SERIES.iter().zip(spreads(method)) {
            let Some((mean, deviation, _)) = spread else {
                continue;
            };
            let y = TOP + ROW * (index as f64 + 0.5) + shift;
            let (from, to) = (x(mean - deviation), x(mean + deviation));
            let _ = writeln!(
                out,
                "<path d=\"M{from:.1} {y:.1}H{to:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>\n\
                 <circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>",
                x(mean)
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

/// What the axis shows, as in `validation error, percent`.
fn axis(metric: &Metric) -> String {
    let name = &metric.name;
    match &*metric.unit {
        "" => format!("validation {name}"),
        "%" => format!("validation {name}, percent"),
        unit => format!("validation {name}, {unit}"),
    }
}

/// A round distance between ticks that needs at most eight of them.
fn tick(largest: f64) -> f64 {
    let candidates = [0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0];
    let fits = |step: &&f64| largest / **step <= 8.0;
    candidates.iter().find(fits).copied().unwrap_or(20.0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gap_table::table::tests::example;

    #[test]
    fn every_error_is_a_dot_at_its_place() {
        let svg = svg(&example());
        // The largest error is 45.34, so the axis ends at 50.
        let dot = |error: f64| format!("<circle cx=\"{:.1}\"", LEFT + WIDTH * error / 50.0);
        for error in [11.0, 10.5, 12.33, 45.34] {
            assert!(svg.contains(&dot(error)), "{error}");
        }
        for word in ["egs-m7", "darts", "search error", "error, percent", ">50<"] {
            assert!(svg.contains(word), "{word}");
        }
        assert_eq!(svg.matches("<circle").count(), 3 + 4);
    }
}
