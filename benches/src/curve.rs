//! The curve of time over the number of tables, as a picture.

use std::path::Path;

use plotters::prelude::*;

/// Draws the lines that [`crate::engine::curve`] returns.
pub fn draw(points: &str, path: &Path) {
    let rows: Vec<Vec<f64>> = points
        .lines()
        .map(|line| {
            line.split(' ')
                .map(|number| number.parse().expect("a number"))
                .collect()
        })
        .collect();
    let last = rows.last().expect("there are sizes");
    let most = last[1..].iter().copied().fold(0.0, f64::max);
    let area = SVGBackend::new(path, (800, 480)).into_drawing_area();
    area.fill(&WHITE).expect("a picture");
    let mut chart = ChartBuilder::on(&area)
        .margin(20)
        .caption("Time over tables, unoptimised", ("sans-serif", 20))
        .x_label_area_size(45)
        .y_label_area_size(70)
        .build_cartesian_2d(0.0..last[0], 0.0..most * 1.05)
        .expect("axes");
    chart
        .configure_mesh()
        .x_desc("tables")
        .y_desc("milliseconds")
        .x_label_formatter(&|tables| format!("{tables:.0}"))
        .y_label_formatter(&|time| format!("{time:.0}"))
        .draw()
        .expect("a mesh");
    let lines = [
        ("finding, validating, expanding", BLUE),
        ("lexing alone", BLACK),
        ("syn::parse_file", RED),
    ];
    for (column, (name, color)) in (1..).zip(lines) {
        let line = rows.iter().map(|row| (row[0], row[column]));
        chart
            .draw_series(LineSeries::new(line, color.stroke_width(2)))
            .expect("a line")
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK)
        .draw()
        .expect("a legend");
    area.present().expect("the picture can be written");
}
