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
const SHADE: RGBColor = RGBColor(240, 238, 228);
const LEGEND_ROW: i32 = 18;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A chart of one line a series over a common pair of axes, with the legend beside it.
///
/// Points that are not finite leave a gap; a series of one point is drawn as a dot; without any
/// point the chart says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct LineChart<'a> {
    /// The heading.
    pub title: &'a str,
    /// What the horizontal axis counts.
    pub x_label: &'a str,
    /// What the vertical axis counts.
    pub y_label: &'a str,
    /// What is shaded.
    pub shaded: Option<Shaded<'a>>,
    /// A value that is always in the picture, with a line of its own.
    pub baseline: Option<f64>,
}

/// A part of a chart, from the beginning of its horizontal axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shaded<'a> {
    /// What it is called in the legend.
    pub name: &'a str,
    /// Where it ends.
    pub until: f64,
}

impl LineChart<'_> {
    /// Draws series, each with its name.
    ///
    /// # Errors
    ///
    /// When the chart cannot be drawn.
    pub fn svg(&self, series: &[(String, Vec<(f64, f64)>)]) -> Result<String> {
        let lines: Vec<Line<'_>> = series
            .iter()
            .enumerate()
            .map(|(colour, (_, points))| Line { colour, points })
            .collect();
        let names = series.iter().enumerate();
        let mut rows: Vec<Row<'_>> = names
            .map(|(colour, (name, _))| Row::line(name, colour))
            .collect();
        rows.extend(self.shaded.map(|shaded| Row::area(shaded.name)));
        let (width, legend) = (640, legend_width(&rows));
        let height = 400.max(60 + LEGEND_ROW as u32 * rows.len() as u32);
        render(self.title, (width + legend, height), |root| {
            let (chart, legend) = root.split_horizontally(width);
            let frame = Frame {
                title: self.title,
                x: self.x_label,
                y: self.y_label,
                ranges: None,
                font: 12,
                shaded: self.shaded,
                baseline: self.baseline,
            };
            frame.draw(&chart, &lines)?;
            draw_legend(&legend, &rows, 40)
        })
    }
}

/// The name of a line in all panels, and its colour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineName {
    /// The name in the legend.
    pub name: String,
    /// Index of the colour; what has the same one elsewhere is the same.
    pub colour: usize,
}

/// One small chart of [`SmallMultiples`].
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// What the panel shows, such as an edge.
    pub title: String,
    /// One line for each name of the legend, in its order.
    pub lines: Vec<Vec<(f64, f64)>>,
}

/// Small charts side by side with common axes and one legend, for probabilities: the vertical axis
/// is 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct SmallMultiples<'a> {
    /// The heading.
    pub title: &'a str,
    /// What the horizontal axis counts.
    pub x_label: &'a str,
    /// The lines of every panel.
    pub names: &'a [LineName],
    /// What is shaded in every panel.
    pub shaded: Option<Shaded<'a>>,
}

impl SmallMultiples<'_> {
    /// Draws panels, four in a row.
    ///
    /// # Errors
    ///
    /// When the charts cannot be drawn.
    pub fn svg(&self, panels: &[Panel]) -> Result<String> {
        let names = self.names.iter();
        let mut rows: Vec<Row<'_>> = names
            .map(|name| Row::line(&name.name, name.colour))
            .collect();
        rows.extend(self.shaded.map(|shaded| Row::area(shaded.name)));
        let columns = panels.len().clamp(1, 4);
        let lines = panels.len().div_ceil(columns).max(1);
        let (width, legend) = (230 * columns as u32, legend_width(&rows));
        let height = (40 + 180 * lines as u32).max(60 + LEGEND_ROW as u32 * rows.len() as u32);
        // All panels share the range of the horizontal axis, so that they can be compared.
        let all = panels.iter().flat_map(|panel| panel.lines.iter().flatten());
        let x_range = range(all.map(|point| point.0));
        render(self.title, (width + legend, height), |root| {
            let (head, body) = root.split_vertically(36);
            draw_text(&head, self.title, (12, 20), 17, HPos::Left, BLACK)?;
            let (charts, legend) = body.split_horizontally(width);
            let charts = charts.margin(0, height as i32 - 36 - 180 * lines as i32, 0, 0);
            for (area, panel) in charts.split_evenly((lines, columns)).iter().zip(panels) {
                let lines = self.names.iter().zip(&panel.lines);
                let lines: Vec<Line<'_>> = lines
                    .map(|(name, points)| Line {
                        colour: name.colour,
                        points,
                    })
                    .collect();
                let frame = Frame {
                    title: &panel.title,
                    x: self.x_label,
                    y: "",
                    ranges: Some((x_range, (0.0, 1.0))),
                    font: 10,
                    shaded: self.shaded,
                    baseline: None,
                };
                frame.draw(area, &lines)?;
            }
            draw_legend(&legend, &rows, 12)
        })
    }
}

/// The points of a line and the index of its colour.
struct Line<'a> {
    colour: usize,
    points: &'a [(f64, f64)],
}

/// A row of a legend.
struct Row<'a> {
    name: &'a str,
    /// Index of the line's colour; none for the shaded part.
    colour: Option<usize>,
}

impl<'a> Row<'a> {
    fn line(name: &'a str, colour: usize) -> Self {
        let colour = Some(colour);
        Self { name, colour }
    }

    fn area(name: &'a str) -> Self {
        Self { name, colour: None }
    }
}

/// Everything of a chart but its lines.
struct Frame<'a> {
    title: &'a str,
    x: &'a str,
    y: &'a str,
    /// Of both axes; by default those of the points.
    ranges: Option<((f64, f64), (f64, f64))>,
    font: u32,
    shaded: Option<Shaded<'a>>,
    baseline: Option<f64>,
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

impl Frame<'_> {
    fn ranges(&self, lines: &[Line<'_>]) -> ((f64, f64), (f64, f64)) {
        self.ranges.unwrap_or_else(|| {
            let points = || {
                let all = lines.iter().flat_map(|line| line.points);
                all.filter(|point| finite(point))
            };
            let values = points().map(|point| point.1).chain(self.baseline);
            (range(points().map(|point| point.0)), padded(range(values)))
        })
    }

    fn draw(&self, area: &Area<'_>, lines: &[Line<'_>]) -> Outcome {
        let (x, y) = self.ranges(lines);
        let label_space = if self.y.is_empty() { 34 } else { 58 };
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .margin_right(16)
            .caption(self.title, ("sans-serif", self.font + 4))
            .x_label_area_size(self.font + 26)
            .y_label_area_size(label_space)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)
            .map_err(text)?;
        // Below the grid.
        if let Some(until) = self.shaded.map(|shaded| shaded.until.min(x.1))
            && until > x.0
        {
            let part = Rectangle::new([(x.0, y.0), (until, y.1)], SHADE.filled());
            chart.draw_series([part]).map_err(text)?;
        }
        let few = if self.y.is_empty() { 4 } else { 8 };
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .x_labels(few)
            .y_labels(few)
            .x_label_formatter(&|value| number(*value, x))
            .y_label_formatter(&|value| number(*value, y))
            .label_style(("sans-serif", self.font).into_font().color(&MUTED))
            .axis_desc_style(("sans-serif", self.font + 1))
            .axis_style(MUTED)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(text)?;
        if let Some(value) = self.baseline {
            let ends = [(x.0, value), (x.1, value)];
            let line = LineSeries::new(ends, MUTED.stroke_width(1));
            chart.draw_series(line).map_err(text)?;
        }
        for line in lines {
            let style = line_style(line.colour);
            for piece in line
                .points
                .split(|point| !finite(point))
                .filter(|piece| !piece.is_empty())
            {
                if let [point] = piece {
                    chart
                        .draw_series([Circle::new(*point, 3, style.filled())])
                        .map_err(text)?;
                } else if palette::dashed(line.colour) {
                    let dashes = DashedLineSeries::new(piece.iter().copied(), 6, 4, style);
                    chart.draw_series(dashes).map_err(text)?;
                } else {
                    chart
                        .draw_series(LineSeries::new(piece.iter().copied(), style))
                        .map_err(text)?;
                }
            }
        }
        let mut points = lines.iter().flat_map(|line| line.points);
        if !points.any(finite) {
            let (width, height) = area.dim_in_pixel();
            let centre = (width as i32 / 2, height as i32 / 2);
            draw_text(area, "no data", centre, self.font + 2, HPos::Center, MUTED)?;
        }
        Ok(())
    }
}

fn draw_legend(area: &Area<'_>, rows: &[Row<'_>], top: i32) -> Outcome {
    for (index, row) in rows.iter().enumerate() {
        let y = top + LEGEND_ROW * index as i32;
        match row.colour {
            Some(colour) => {
                let style = line_style(colour);
                let pieces: &[(i32, i32)] = if palette::dashed(colour) {
                    &[(6, 13), (17, 24)]
                } else {
                    &[(6, 24)]
                };
                for (start, end) in pieces {
                    let line = PathElement::new(vec![(*start, y), (*end, y)], style);
                    area.draw(&line).map_err(text)?;
                }
            }
            None => {
                let part = Rectangle::new([(6, y - 6), (24, y + 6)], SHADE.filled());
                area.draw(&part).map_err(text)?;
            }
        }
        draw_text(area, row.name, (30, y), 12, HPos::Left, BLACK)?;
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

fn legend_width(rows: &[Row<'_>]) -> u32 {
    let longest = rows
        .iter()
        .map(|row| row.name.chars().count())
        .max()
        .unwrap_or(0);
    44 + 8 * longest as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: LineChart<'static> = LineChart {
        title: "t",
        x_label: "epoch",
        y_label: "loss",
        shaded: None,
        baseline: None,
    };

    fn chart(points: &[(f64, f64)]) -> String {
        let series = [("a & b".to_string(), points.to_vec())];
        CHART.svg(&series).unwrap()
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
        assert!(CHART.svg(&[]).unwrap().contains("no data"));
    }

    #[test]
    fn extreme_values_are_drawn() {
        assert!(chart(&[(0.0, -1e90), (1.0, 1e90)]).contains("<polyline"));
        assert!(chart(&[(0.0, 1e-300), (1.0, 2e-300)]).contains("<polyline"));
        assert!(chart(&[(0.0, f64::MAX), (1.0, 1.0)]).contains("<circle"));
    }

    #[test]
    fn small_multiples_have_every_panel_and_one_legend() {
        let name = |name: &str, colour| LineName {
            name: name.into(),
            colour,
        };
        let names = [name("skip", 3), name("conv", 1)];
        let panel = |edge: usize| Panel {
            title: format!("edge {edge}"),
            lines: vec![vec![(0.0, 0.5), (1.0, 0.2)], vec![(0.0, 0.5), (1.0, 0.8)]],
        };
        let panels: Vec<Panel> = (0..14).map(panel).collect();
        let multiples = SmallMultiples {
            title: "p",
            x_label: "epoch",
            names: &names,
            shaded: None,
        };
        let svg = multiples.svg(&panels).unwrap();
        assert_eq!(svg.matches("\nedge ").count(), 14);
        assert_eq!(svg.matches("skip").count(), 1);
        // In every panel and in the legend, in the colours that were asked for.
        for colour in [1, 3] {
            let (red, green, blue) = palette::colour(colour);
            let stroke = format!("stroke=\"#{red:02X}{green:02X}{blue:02X}\"");
            assert_eq!(svg.matches(&stroke).count(), 15);
        }
        let none = SmallMultiples {
            names: &[],
            ..multiples
        };
        assert!(none.svg(&[]).is_ok());
    }

    #[test]
    fn a_warm_up_is_shaded_to_its_end_and_zero_has_a_line() {
        let points = [(1.0, 3.0), (2.0, 2.0), (5.0, 1.0)];
        let svg = |until, baseline| {
            let shaded = Some(Shaded {
                name: "warm-up",
                until,
            });
            let chart = LineChart {
                shaded,
                baseline,
                ..CHART
            };
            chart.svg(&[("a".into(), points.to_vec())]).unwrap()
        };
        let shades = |svg: &str| svg.matches("fill=\"#F0EEE4\"").count();
        let some = svg(2.5, None);
        assert_eq!(shades(&some), 2, "the part and its row of the legend");
        assert!(some.contains("warm-up"));
        // One that ended before the first point shades nothing.
        assert_eq!(shades(&svg(0.5, None)), 1);
        let lines = |svg: &str| svg.matches("<polyline").count();
        assert_eq!(lines(&svg(2.5, Some(0.0))), lines(&some) + 1);
        assert!(svg(2.5, Some(0.0)).contains("\n0\n"), "its tick is there");
    }
}
