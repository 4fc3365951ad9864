//! A sheet of paper of a given size in pixels, and the strokes that every figure is made of.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::element::{Circle, CoordMapper, DashedPathElement, Drawable, PathElement};
use plotters::element::{PointCollection, Polygon, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoFont, ShapeStyle};

use super::style::{Ink, PAPER};

/// A place on the sheet, from its top left corner.
pub type Point = (f64, f64);

/// Plotters draws on whole units; with ten to a pixel, curves stay smooth.
const UNITS: f64 = 10.0;

/// A sheet being drawn on.
pub struct Canvas<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
}

/// How a piece of text is set.
#[derive(Clone, Copy)]
pub struct Lettering {
    /// Its colour.
    pub ink: Ink,
    /// Its size in pixels.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
    /// Which of its ends stands at the given point.
    pub at: HPos,
    /// Which of its edges stands at the given point.
    pub edge: VPos,
    /// Whether it reads upwards.
    pub upwards: bool,
}

impl Lettering {
    /// Text that begins at its point, vertically centred on it.
    pub fn new(ink: Ink, size: f64) -> Self {
        Self { ink, size, bold: false, at: HPos::Left, edge: VPos::Center, upwards: false }
    }

    /// The same, centred on its point.
    pub fn centered(self) -> Self {
        Self { at: HPos::Center, ..self }
    }

    /// The same, ending at its point.
    pub fn ending(self) -> Self {
        Self { at: HPos::Right, ..self }
    }
}

impl<'a> Canvas<'a> {
    /// A drawing of that many pixels, with a title and a description for those who do not see it.
    ///
    /// `id` must be unique within the page that will show the drawing.
    pub fn paint(
        (width, height): (f64, f64),
        id: &str,
        title: &str,
        description: &str,
        draw: impl FnOnce(&Canvas),
    ) -> String {
        let size = ((width * UNITS) as u32, (height * UNITS) as u32);
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
            area.fill(&PAPER.color()).expect(IN_MEMORY);
            draw(&Canvas { area });
        }
        let body = svg.split_once('>').map_or("", |(_, body)| body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\" \
             stroke-linejoin=\"round\">\n<title id=\"{id}-title\">{}</title>\n\
             <desc id=\"{id}-desc\">{}</desc>{body}",
            size.0,
            size.1,
            escape(title),
            escape(description),
        )
    }

    /// A line through points.
    pub fn line(&self, points: &[Point], ink: Ink, width: f64) {
        if points.len() > 1 {
            self.draw(&PathElement::new(units(points), stroke(ink, width)));
        }
    }

    /// A dashed line through points.
    pub fn dashed(&self, points: &[Point], ink: Ink, width: f64) {
        if points.len() > 1 {
            let (dash, gap) = ((5.0 * UNITS) as i32, (3.5 * UNITS) as i32);
            self.draw(&DashedPathElement::new(units(points), dash, gap, stroke(ink, width)));
        }
    }

    /// A filled area within an outline.
    pub fn fill(&self, outline: &[Point], ink: Ink, opacity: f64) {
        if outline.len() > 2 {
            self.draw(&Polygon::new(units(outline), ink.color().mix(opacity).filled()));
        }
    }

    /// A filled disc.
    pub fn disc(&self, center: Point, radius: f64, ink: Ink) {
        self.draw(&Circle::new(unit(center), length(radius), ink.color().filled()));
    }

    /// An open circle on paper.
    pub fn ring(&self, center: Point, radius: f64, ink: Ink) {
        self.disc(center, radius, PAPER);
        self.draw(&Circle::new(unit(center), length(radius - 0.6), stroke(ink, 1.3)));
    }

    /// A filled square that covers about as much as a disc of the same radius.
    pub fn square(&self, (x, y): Point, radius: f64, ink: Ink) {
        let r = radius * 0.88;
        self.fill(&[(x - r, y - r), (x + r, y - r), (x + r, y + r), (x - r, y + r)], ink, 1.0);
    }

    /// An arrow head that points upwards, with its tip at the given place.
    pub fn arrow_head(&self, (x, y): Point, ink: Ink) {
        self.fill(&[(x, y), (x + 4.0, y + 7.5), (x - 4.0, y + 7.5)], ink, 1.0);
    }

    /// A piece of text.
    pub fn text(&self, text: &str, at: Point, lettering: Lettering) {
        let Lettering { ink, size, bold, at: end, edge, upwards } = lettering;
        // The SVG backend divides font sizes by 1.24.
        let font = ("sans-serif", size * UNITS * 1.24).into_font();
        let font = font.style(if bold { FontStyle::Bold } else { FontStyle::Normal });
        let turn = if upwards { FontTransform::Rotate270 } else { FontTransform::None };
        let style = font.transform(turn).color(&ink.color()).pos(Pos::new(end, edge));
        self.draw(&Text::new(text.to_owned(), unit(at), style));
    }

    fn draw<'e, E, B: CoordMapper>(&self, element: &'e E)
    where
        &'e E: PointCollection<'e, (i32, i32), B>,
        E: Drawable<SVGBackend<'a>, B>,
    {
        self.area.draw(element).expect(IN_MEMORY);
    }
}

const IN_MEMORY: &str = "drawing into memory cannot fail";

fn unit((x, y): Point) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

fn units(points: &[Point]) -> Vec<(i32, i32)> {
    points.iter().copied().map(unit).collect()
}

fn length(pixels: f64) -> i32 {
    ((pixels * UNITS).round() as i32).max(1)
}

fn stroke(ink: Ink, width: f64) -> ShapeStyle {
    ShapeStyle { color: ink.color().to_rgba(), filled: false, stroke_width: length(width) as u32 }
}

/// Text with the characters that mean something to XML replaced.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::style::TEXT;

    #[test]
    fn a_drawing_names_itself_and_escapes_its_text() {
        let svg = Canvas::paint((20.0, 10.0), "fig", "a < b", "\"c\" & d", |canvas| {
            canvas.text("x<y>", (1.0, 1.0), Lettering::new(TEXT, 12.0));
        });
        assert!(svg.starts_with("<svg xmlns="), "{svg}");
        assert!(svg.contains("viewBox=\"0 0 200 100\" role=\"img\""), "{svg}");
        assert!(svg.contains("<title id=\"fig-title\">a &lt; b</title>"), "{svg}");
        assert!(svg.contains("&quot;c&quot; &amp; d"), "{svg}");
        assert!(!svg.contains("x<y>"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
    }
}
