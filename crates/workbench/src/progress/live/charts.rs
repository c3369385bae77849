//! Curves over the epochs, drawn with characters.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart as Plot, Dataset, GraphType, Paragraph};

use super::draw::Look;
use crate::report::{Chart, Series};

/// Columns that a chart needs.
pub(super) const LEAST_WIDTH: u16 = 38;
/// Rows of a plot from which on it has an axis of epochs.
const WITH_EPOCHS: u16 = 6;
const COLOURS: [Color; 6] = [
    Color::Cyan,
    Color::Yellow,
    Color::Magenta,
    Color::Green,
    Color::Blue,
    Color::Red,
];
/// Of curves without colours.
const LETTERS: [char; 6] = ['*', 'o', '+', 'x', '#', '%'];

/// Draws charts beside each other.
pub(super) fn draw(frame: &mut Frame, area: Rect, charts: &[Chart], look: Look) {
    let columns = Layout::horizontal(vec![Constraint::Fill(1); charts.len()]).spacing(2);
    for (chart, area) in charts.iter().zip(columns.split(area).iter()) {
        draw_one(frame, *area, chart, look);
    }
}

fn draw_one(frame: &mut Frame, area: Rect, chart: &Chart, look: Look) {
    let series: Vec<(usize, &Series)> = chart.series.iter().enumerate().filter(has_point).collect();
    let legend = series.len() as u16;
    let rows = [
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(legend),
    ];
    let [title, plot, legend] = Layout::vertical(rows).areas(area);
    let title_text = Line::styled(heading(chart), Style::new().add_modifier(Modifier::BOLD));
    frame.render_widget(title_text, title);
    draw_plot(frame, plot, chart, &series, look);
    let lines = series.iter().map(|(place, series)| {
        let (sign, style) = sign(*place, look);
        let latest = latest(series).map_or(String::new(), figure);
        Line::from(vec![
            Span::styled(format!("{sign} "), style),
            format!("{} {latest}", series.name).into(),
        ])
    });
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), legend);
}

fn draw_plot(
    frame: &mut Frame,
    area: Rect,
    chart: &Chart,
    series: &[(usize, &Series)],
    look: Look,
) {
    let points = |series: &Series| -> Vec<(f64, f64)> { finite(series).collect() };
    let curves: Vec<(usize, Vec<(f64, f64)>)> = series
        .iter()
        .map(|(place, series)| (*place, points(series)))
        .collect();
    let all = || curves.iter().flat_map(|(_, points)| points);
    let epochs = bounds(all().map(|point| point.0));
    let values = bounds(all().map(|point| point.1).chain(chart.baseline));
    let baseline = chart.baseline.map(|y| vec![(epochs[0], y), (epochs[1], y)]);
    let dim = Style::new().add_modifier(Modifier::DIM);
    let mut datasets: Vec<Dataset> = baseline
        .iter()
        .map(|points| line(points, Marker::Custom('-'), dim))
        .collect();
    datasets.extend(curves.iter().map(|(place, points)| {
        let (sign, style) = sign(*place, look);
        let marker = match look {
            Look::Colours => Marker::Braille,
            Look::Plain => Marker::Custom(sign),
        };
        line(points, marker, style)
    }));
    let mut x_axis = Axis::default().bounds(epochs).style(dim);
    if area.height >= WITH_EPOCHS {
        let last = format!("{:.0}", epochs[1]);
        x_axis = x_axis.labels([format!("{} {:.0}", chart.x_label, epochs[0]), last]);
    }
    let y_labels = values.map(figure);
    let y_axis = Axis::default().bounds(values).style(dim).labels(y_labels);
    frame.render_widget(Plot::new(datasets).x_axis(x_axis).y_axis(y_axis), area);
}

fn line(points: &[(f64, f64)], marker: Marker, style: Style) -> Dataset<'_> {
    Dataset::default()
        .data(points)
        .marker(marker)
        .graph_type(GraphType::Line)
        .style(style)
}

/// What a chart says in a line, where there is no room for it.
pub(super) fn in_a_line(chart: &Chart) -> String {
    let of =
        |series: &Series| latest(series).map(|value| format!("{} {}", series.name, figure(value)));
    let latest: Vec<String> = chart.series.iter().filter_map(of).collect();
    format!("{}: {}", heading(chart), latest.join(", "))
}

/// Whether a chart has a point to show.
pub(super) fn has_points(chart: &Chart) -> bool {
    chart.series.iter().any(|series| latest(series).is_some())
}

fn has_point((_, series): &(usize, &Series)) -> bool {
    latest(series).is_some()
}

fn heading(chart: &Chart) -> String {
    match chart.y_label.as_str() {
        "" => chart.title.clone(),
        unit => format!("{}, {unit}", chart.title),
    }
}

/// What stands for a curve, and how it is drawn.
fn sign(place: usize, look: Look) -> (char, Style) {
    match look {
        Look::Colours => {
            let colour = COLOURS[place % COLOURS.len()];
            ('\u{25cf}', Style::new().fg(colour))
        }
        Look::Plain => (LETTERS[place % LETTERS.len()], Style::new()),
    }
}

fn finite(series: &Series) -> impl Iterator<Item = (f64, f64)> {
    let points = series.points.iter().copied();
    points.filter(|(x, y)| x.is_finite() && y.is_finite())
}

fn latest(series: &Series) -> Option<f64> {
    finite(series).last().map(|(_, y)| y)
}

/// The least and the greatest value, apart from each other.
fn bounds(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| {
        [low.min(value), high.max(value)]
    });
    match low < high {
        true => [low, high],
        false if low.is_finite() => [low - 0.5, low + 0.5],
        false => [0.0, 1.0],
    }
}

/// A figure in few characters.
fn figure(value: f64) -> String {
    match value.abs() {
        size if size < 10.0 => format!("{value:.3}"),
        size if size < 1000.0 => format!("{value:.2}"),
        size if size < 1e6 => format!("{value:.0}"),
        _ => format!("{value:.2e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        let figures = [0.12345, -99.5, 12_345.6, 1.5e9].map(figure);
        assert_eq!(figures, ["0.123", "-99.50", "12346", "1.50e9"]);
    }

    #[test]
    fn bounds_are_never_the_same() {
        assert_eq!(bounds([3.0, 1.0].into_iter()), [1.0, 3.0]);
        assert_eq!(bounds([3.0].into_iter()), [2.5, 3.5]);
        assert_eq!(bounds([].into_iter()), [0.0, 1.0]);
    }
}
