//! The inks of all figures: one meaning, one colour, in light and in dark.
//!
//! A figure is drawn in the light colours, so that its file stands alone on white paper.
//! Inside a page, [`themed`] turns each colour into a CSS variable, which [`variables`] defines for either scheme.

use plotters::style::RGBColor;

/// A colour with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ink {
    name: &'static str,
    light: u32,
    dark: u32,
}

/// The ground of a figure.
pub const PAPER: Ink = Ink::new("paper", 0xFFFFFF, 0x15181D);
/// Titles and axis labels.
pub const TEXT: Ink = Ink::new("text", 0x1D2127, 0xE8E8E4);
/// Tick labels and remarks.
pub const MUTED: Ink = Ink::new("muted", 0x5C636D, 0xA4ABB6);
/// Grid lines.
pub const GRID: Ink = Ink::new("grid", 0xE4E6E9, 0x2B3038);
/// Axis lines.
pub const FRAME: Ink = Ink::new("frame", 0xA9AFB7, 0x596069);
/// Measured values.
pub const DATA: Ink = Ink::new("data", 0x3E454E, 0xC3C8CF);
/// Filled bars of measured values.
pub const BAR: Ink = Ink::new("bar", 0xC9CED5, 0x434A55);
/// The Gaussian law, and parameters whose noise it describes.
pub const GAUSSIAN: Ink = Ink::new("gaussian", 0x0072B2, 0x5BB5EA);
/// The symmetric α-stable law, and parameters whose noise it describes.
pub const STABLE: Ink = Ink::new("stable", 0xD55E00, 0xF78F45);
/// Parameters whose noise neither law describes.
pub const NEITHER: Ink = Ink::new("neither", 0x7A2E7A, 0xD793D9);
/// The arms of the ablation, in the order in which they appear.
pub const ARMS: [Ink; 3] = [
    Ink::new("arm-a", 0x00805F, 0x3FCB9F),
    Ink::new("arm-b", 0xB63C7C, 0xEF8FBF),
    Ink::new("arm-c", 0x767C85, 0x969DA8),
];

/// An ordered scale, from small to large.
const ORDER: [Ink; 8] = [
    Ink::new("order-1", 0x440154, 0xCFA3E6),
    Ink::new("order-2", 0x443A83, 0xA9A6F0),
    Ink::new("order-3", 0x31688E, 0x82B6E8),
    Ink::new("order-4", 0x21908C, 0x4CC3C6),
    Ink::new("order-5", 0x27AD81, 0x4FD3A0),
    Ink::new("order-6", 0x5CB040, 0x86DB72),
    Ink::new("order-7", 0x8C9E1A, 0xBADB4A),
    Ink::new("order-8", 0xB08A00, 0xF0D94C),
];

impl Ink {
    const fn new(name: &'static str, light: u32, dark: u32) -> Self {
        Self { name, light, dark }
    }

    /// The ink of the `idx`-th of `n_series` ordered series.
    pub fn ordered(idx: usize, n_series: usize) -> Self {
        let last = n_series.saturating_sub(1).max(1);
        ORDER[(idx * (ORDER.len() - 1) / last).min(ORDER.len() - 1)]
    }

    /// The colour on white paper.
    pub fn color(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }
}

fn inks() -> impl Iterator<Item = Ink> {
    let single =
        [PAPER, TEXT, MUTED, GRID, FRAME, DATA, BAR, GAUSSIAN, STABLE, NEITHER].into_iter();
    single.chain(ARMS).chain(ORDER)
}

/// A drawing whose colours follow the page it stands in.
pub fn themed(svg: &str) -> String {
    inks().fold(svg.to_owned(), |svg, ink| {
        svg.replace(&format!("\"#{:06X}\"", ink.light), &format!("\"var(--{})\"", ink.name))
    })
}

/// The definitions of the variables that [`themed`] refers to: light colours, then dark ones.
pub fn variables() -> (String, String) {
    let define = |value: fn(Ink) -> u32| {
        inks().map(|ink| format!("--{}:#{:06X};", ink.name, value(ink))).collect()
    };
    (define(|ink| ink.light), define(|ink| ink.dark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_inks_share_a_light_colour() {
        let mut colours: Vec<u32> = inks().map(|ink| ink.light).collect();
        colours.sort_unstable();
        let n_inks = colours.len();
        colours.dedup();
        assert_eq!(colours.len(), n_inks);
    }

    #[test]
    fn theming_replaces_colours_by_variables() {
        let themed = themed(r##"<path stroke="#0072B2"/><text fill="#1D2127">#0072B2</text>"##);
        assert_eq!(
            themed,
            r##"<path stroke="var(--gaussian)"/><text fill="var(--text)">#0072B2</text>"##
        );
    }

    #[test]
    fn the_ordered_scale_uses_its_whole_width() {
        assert_eq!(Ink::ordered(0, 1), ORDER[0]);
        assert_eq!(Ink::ordered(2, 3), ORDER[7]);
        assert_eq!(Ink::ordered(19, 20), ORDER[7]);
    }
}
