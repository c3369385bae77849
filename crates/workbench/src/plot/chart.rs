//! Line charts and small multiples of them.

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::scale::{finite, number, padded, range};
use crate::{Result, WorkbenchError, palette};

const MUTED: RGBColor = RGBColor(90, 90, 90);
const GRID: RGBColor = RGBColor(225, 225, 225);
const LEGEND_ROW: i32 = 18;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart of one line a series over a common pair of axes, with the legend beside it.
///
/// Points that are not finite leave a gap; a series of one point is drawn as a dot; without any
/// point the chart says so.
///
/// # Errors
///
/// When the chart cannot be drawn.
pub fn line_chart_svg(
    title: &str,
    x_label: &str,
    y_label: &str,
    series: &[(String, Vec<(f64, f64)>)],
) -> Result<String> {
    let names: Vec<&str> = series.iter().map(|(name, _)| name.as_str()).collect();
    let lines: Vec<&[(f64, f64)]> = series.iter().map(|(_, line)| line.as_slice()).collect();
    let (width, legend) = (640, legend_width(&names));
    let height = 400.max(60 + LEGEND_ROW as u32 * names.len() as u32);
    render(title, (width + legend, height), |root| {
        let (chart, legend) = root.split_horizontally(width);
        let labels = AxisLabels {
            title,
            x: x_label,
            y: y_label,
        };
        draw_chart(&chart, &labels, &lines, None, 12)?;
        draw_legend(&legend, &names, 40)
    })
}

/// One small chart of a [`small_multiples_svg`].
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What the panel shows, such as an edge.
    pub title: String,
    /// One line for each name of the legend, in its order.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Small charts side by side with common axes and one legend, for probabilities: the vertical axis
/// is 0 to 1.
///
/// # Errors
///
/// When the charts cannot be drawn.
pub fn small_multiples_svg(
    title: &str,
    x_label: &str,
    names: &[String],
    panels: &[Panel],
) -> Result<String> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let columns = panels.len().clamp(1, 4);
    let rows = panels.len().div_ceil(columns).max(1);
    let (width, legend) = (230 * columns as u32, legend_width(&names));
    let height = (40 + 180 * rows as u32).max(60 + LEGEND_ROW as u32 * names.len() as u32);
    // All panels share the range of the horizontal axis, so that they can be compared.
    let all = panels.iter().flat_map(|panel| panel.lines.iter().flatten());
    let x_range = range(all.map(|point| point.0));
    render(title, (width + legend, height), |root| {
        let (head, body) = root.split_vertically(36);
        draw_text(&head, title, (12, 20), 17, HPos::Left, BLACK)?;
        let (charts, legend) = body.split_horizontally(width);
        let charts = charts.margin(0, height as i32 - 36 - 180 * rows as i32, 0, 0);
        for (area, panel) in charts.split_evenly((rows, columns)).iter().zip(panels) {
            let lines: Vec<_> = panel.lines.iter().map(Vec::as_slice).collect();
            let labels = AxisLabels {
                title: &panel.title,
                x: x_label,
                y: "",
            };
            draw_chart(area, &labels, &lines, Some((x_range, (0.0, 1.0))), 10)?;
        }
        draw_legend(&legend, &names, 12)
    })
}

struct AxisLabels<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
}

type Outcome = std::result::Result<(), String>;

fn render(
    title: &str,
    size: (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Outcome,
) -> Result<String> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, size).into_drawing_area();
    let outcome = root.fill(&WHITE).map_err(text).and_then(|()| draw(&root));
    let outcome = outcome.and_then(|()| root.present().map_err(text));
    drop(root);
    outcome.map_err(|found| WorkbenchError::Drawing {
        what: format!("chart `{title}`"),
        found,
        valid: "series of finite numbers of a common scale".into(),
    })?;
    Ok(svg)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn draw_chart(
    area: &Area<'_>,
    labels: &AxisLabels<'_>,
    lines: &[&[(f64, f64)]],
    ranges: Option<((f64, f64), (f64, f64))>,
    font: u32,
) -> Outcome {
    let points = || {
        lines
            .iter()
            .flat_map(|line| line.iter())
            .filter(|point| finite(point))
    };
    let (x, y) = ranges.unwrap_or_else(|| {
        (
            range(points().map(|point| point.0)),
            padded(range(points().map(|point| point.1))),
        )
    });
    let label_space = if labels.y.is_empty() { 34 } else { 58 };
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .margin_right(16)
        .caption(labels.title, ("sans-serif", font + 4))
        .x_label_area_size(font + 26)
        .y_label_area_size(label_space)
        .build_cartesian_2d(x.0..x.1, y.0..y.1)
        .map_err(text)?;
    let few = if labels.y.is_empty() { 4 } else { 8 };
    chart
        .configure_mesh()
        .x_desc(labels.x)
        .y_desc(labels.y)
        .x_labels(few)
        .y_labels(few)
        .x_label_formatter(&|value| number(*value, x))
        .y_label_formatter(&|value| number(*value, y))
        .label_style(("sans-serif", font).into_font().color(&MUTED))
        .axis_desc_style(("sans-serif", font + 1))
        .axis_style(MUTED)
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .draw()
        .map_err(text)?;
    for (index, line) in lines.iter().enumerate() {
        let style = line_style(index);
        for piece in line
            .split(|point| !finite(point))
            .filter(|piece| !piece.is_empty())
        {
            if let [point] = piece {
                chart
                    .draw_series([Circle::new(*point, 3, style.filled())])
                    .map_err(text)?;
            } else if palette::dashed(index) {
                let dashes = DashedLineSeries::new(piece.iter().copied(), 6, 4, style);
                chart.draw_series(dashes).map_err(text)?;
            } else {
                chart
                    .draw_series(LineSeries::new(piece.iter().copied(), style))
                    .map_err(text)?;
            }
        }
    }
    if points().next().is_none() {
        let (width, height) = area.dim_in_pixel();
        let centre = (width as i32 / 2, height as i32 / 2);
        draw_text(area, "no data", centre, font + 2, HPos::Center, MUTED)?;
    }
    Ok(())
}

fn draw_legend(area: &Area<'_>, names: &[&str], top: i32) -> Outcome {
    for (index, name) in names.iter().enumerate() {
        let y = top + LEGEND_ROW * index as i32;
        let style = line_style(index);
        let pieces: &[(i32, i32)] = if palette::dashed(index) {
            &[(6, 13), (17, 24)]
        } else {
            &[(6, 24)]
        };
        for (start, end) in pieces {
            let line = PathElement::new(vec![(*start, y), (*end, y)], style);
            area.draw(&line).map_err(text)?;
        }
        draw_text(area, name, (30, y), 12, HPos::Left, BLACK)?;
    }
    Ok(())
}

fn draw_text(
    area: &Area<'_>,
    content: &str,
    at: (i32, i32),
    size: u32,
    horizontal: HPos,
    colour: RGBColor,
) -> Outcome {
    let style = ("sans-serif", size).into_font().color(&colour);
    let style = style.pos(Pos::new(horizontal, VPos::Center));
    area.draw(&Text::new(content, at, style)).map_err(text)
}

fn line_style(index: usize) -> ShapeStyle {
    let (red, green, blue) = palette::colour(index);
    RGBColor(red, green, blue).stroke_width(2)
}

fn legend_width(names: &[&str]) -> u32 {
    let longest = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0);
    44 + 8 * longest as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(points: &[(f64, f64)]) -> String {
        line_chart_svg(
            "t",
            "epoch",
            "loss",
            &[("a & b".to_string(), points.to_vec())],
        )
        .unwrap()
    }

    #[test]
    fn a_chart_names_its_axes_and_series() {
        let svg = chart(&[(0.0, 1.0), (1.0, 0.5), (2.0, 0.7)]);
        for word in ["epoch", "loss", "a &amp; b", "<polyline"] {
            assert!(svg.contains(word), "{word}");
        }
    }

    #[test]
    fn not_a_number_leaves_a_gap() {
        let lines = |svg: String| svg.matches("stroke=\"#0072B2\"").count();
        let whole = [(0.0, 1.0), (1.0, 2.0), (2.0, 1.0), (3.0, 2.0), (4.0, 1.0)];
        let mut broken = whole;
        broken[2].1 = f64::NAN;
        assert_eq!(lines(chart(&broken)), lines(chart(&whole)) + 1);
    }

    #[test]
    fn one_point_and_equal_points_and_none_are_drawn() {
        assert!(chart(&[(3.0, 2.0)]).contains("<circle"));
        assert!(chart(&[(0.0, 2.0), (0.0, 2.0)]).contains("<polyline"));
        for none in [&[][..], &[(0.0, f64::NAN)], &[(f64::INFINITY, 1.0)]] {
            assert!(chart(none).contains("no data"));
        }
        assert!(
            line_chart_svg("t", "x", "y", &[])
                .unwrap()
                .contains("no data")
        );
    }

    #[test]
    fn extreme_values_are_drawn() {
        assert!(chart(&[(0.0, -1e90), (1.0, 1e90)]).contains("<polyline"));
        assert!(chart(&[(0.0, 1e-300), (1.0, 2e-300)]).contains("<polyline"));
        assert!(chart(&[(0.0, f64::MAX), (1.0, 1.0)]).contains("<circle"));
    }

    #[test]
    fn small_multiples_have_every_panel_and_one_legend() {
        let names = vec!["skip".to_string(), "conv".to_string()];
        let panel = |edge: usize| Panel {
            title: format!("edge {edge}"),
            lines: vec![vec![(0.0, 0.5), (1.0, 0.2)], vec![(0.0, 0.5), (1.0, 0.8)]],
        };
        let panels: Vec<Panel> = (0..14).map(panel).collect();
        let svg = small_multiples_svg("p", "epoch", &names, &panels).unwrap();
        assert_eq!(svg.matches("\nedge ").count(), 14);
        assert_eq!(svg.matches("skip").count(), 1);
        assert!(small_multiples_svg("p", "epoch", &[], &[]).is_ok());
    }
}
