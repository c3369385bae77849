//! A page as HTML.

use minijinja::value::Serde;
use minijinja::{Environment, Value, context};
use serde::Serialize;

use super::{Block, Chart, Drawing, Page, Series};
use crate::{Result, WorkbenchError, palette};

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
const PLOT_STYLE: &str = include_str!("uplot/uPlot.min.css");
/// uPlot without the first line of its file, an address: pages name no place on a network.
const PLOT: &str = include_str!("uplot/uPlot.iife.min.js");
const PLOT_LICENCE: &str = include_str!("uplot/LICENSE");

/// A curve has so many points in a page at most; of a longer one, points are left out evenly.
const MOST_POINTS: usize = 500;

impl Page {
    /// The page as one file.
    ///
    /// # Errors
    ///
    /// When a chart cannot be drawn.
    pub fn html(&self) -> Result<String> {
        let chapters = self.chapters.iter().enumerate();
        let chapters = chapters.map(|(number, chapter)| {
            let blocks = chapter.blocks.iter().map(view);
            let blocks = blocks.collect::<Result<Vec<_>>>()?;
            Ok(context! { id => format!("part-{number}"), title => chapter.title.as_str(), blocks })
        });
        let chapters = chapters.collect::<Result<Vec<Value>>>()?;
        let has_chart = self.blocks().any(|block| matches!(block, Block::Chart(_)));
        let colours: Vec<String> = (0..palette::COUNT).map(palette::hex).collect();
        let page = context! {
            title => self.title.as_str(),
            kind => self.kind.as_str(),
            warning => self.warning.as_deref(),
            lead => self.lead.as_str(),
            figures => Serde(&self.figures),
            facts => Serde(&self.facts),
            chapters,
            made_by => self.made_by.as_str(),
            style => STYLE,
            script => SCRIPT,
            colours,
            plot => has_chart.then(|| context! {
                style => PLOT_STYLE,
                script => PLOT,
                licence => PLOT_LICENCE,
            }),
        };
        // The ending makes it escape.
        let mut environment = Environment::new();
        environment.add_filter("surprise", surprise);
        environment.add_filter("fixed", |value: f64| format!("{value:.2}"));
        let made = environment.render_named_str("page.html", TEMPLATE, page);
        made.map_err(|error| failed(&self.title, error.to_string()))
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.chapters.iter().flat_map(|chapter| &chapter.blocks)
    }
}

/// How unexpected something of a probability is, from 0 to 1: in proportion to its logarithm, as most words of a
/// text are improbable and the differences between them matter.
fn surprise(probability: f64) -> f64 {
    /// In nats, of what is hardly ever right.
    const MOST: f64 = 10.0;
    let nats = -probability.max(f64::MIN_POSITIVE).ln();
    (100.0 * nats / MOST).round().clamp(0.0, 100.0) / 100.0
}

fn failed(title: &str, found: String) -> WorkbenchError {
    WorkbenchError::Drawing {
        what: format!("page `{title}`"),
        found,
        valid: "what its template knows".into(),
    }
}

/// What the template sees of a block.
fn view(block: &Block) -> Result<Value> {
    Ok(match block {
        Block::Chart(chart) => chart_view(&thinned(chart))?,
        Block::Drawing(drawing) => {
            let Drawing {
                caption, folded, ..
            } = drawing;
            let inline = inline(&drawing.svg);
            context! { kind => "drawing", caption, folded, ..inline }
        }
        other => Value::from(Serde(other)),
    })
}

/// A chart as the script reads it.
#[derive(Serialize)]
struct Data<'a> {
    x: Vec<f64>,
    x_label: &'a str,
    y_label: &'a str,
    shaded: &'a Option<(String, f64)>,
    baseline: Option<f64>,
    series: Vec<Curve<'a>>,
}

/// A curve on the axis that all share; none where it has no point, or one that is no number.
#[derive(Serialize)]
struct Curve<'a> {
    name: &'a str,
    values: Vec<Option<f64>>,
}

fn chart_view(chart: &Chart) -> Result<Value> {
    let points = || chart.series.iter().flat_map(|series| &series.points);
    let mut x: Vec<f64> = points().map(|point| point.0).collect();
    x.sort_by(f64::total_cmp);
    x.dedup();
    let curve = |series: &'_ Series| {
        let mut values = vec![None; x.len()];
        for &(at, value) in &series.points {
            if let Ok(index) = x.binary_search_by(|other| other.total_cmp(&at)) {
                values[index] = value.is_finite().then_some(value);
            }
        }
        values
    };
    let series = chart.series.iter().map(|series| Curve {
        name: &series.name,
        values: curve(series),
    });
    let data = Data {
        series: series.collect(),
        x_label: &chart.x_label,
        y_label: &chart.y_label,
        shaded: &chart.shaded,
        baseline: chart.baseline,
        x: x.clone(),
    };
    let data = Value::from(Serde(&data));
    let drawn = points().any(|point| point.1.is_finite());
    let inline = inline(&chart.svg()?);
    Ok(context! { kind => "chart", title => chart.title.as_str(), drawn, data, ..inline })
}

fn thinned(chart: &Chart) -> Chart {
    let kept = |series: &Series| {
        let last = series.points.len().saturating_sub(1);
        let every = series.points.len().div_ceil(MOST_POINTS).max(1);
        let points = series.points.iter().enumerate();
        let points = points.filter(|(at, _)| at.is_multiple_of(every) || *at == last);
        Series {
            name: series.name.clone(),
            points: points.map(|(_, point)| *point).collect(),
        }
    };
    Chart {
        series: chart.series.iter().map(kept).collect(),
        ..chart.clone()
    }
}

/// An SVG document as an element of a page, and its width in pixels.
fn inline(svg: &str) -> Value {
    let element = svg.find("<svg").map_or(svg, |at| &svg[at..]);
    let element = element.replacen(" xmlns=\"http://www.w3.org/2000/svg\"", "", 1);
    let width = element.split_once(" width=\"");
    let width = width.and_then(|(_, rest)| rest.split('"').next()?.parse::<f64>().ok());
    context! { svg => Value::from_safe_string(element), width => width.unwrap_or(640.0) }
}

#[cfg(test)]
mod tests {
    use super::surprise;

    #[test]
    fn surprise_grows_with_the_logarithm() {
        let values = [1.0, (-5.0_f64).exp(), (-20.0_f64).exp(), 0.0];
        assert_eq!(values.map(surprise), [0.0, 0.5, 1.0, 1.0]);
    }
}
