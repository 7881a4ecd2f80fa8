//! The two curves as SVG.

use crate::eval::answers::Answer;
use std::fmt::Write as _;

const SIZE: f64 = 300.0;
const LEFT: f64 = 40.0;
const BOTTOM: f64 = 30.0;
const BINS: usize = 10;
const POINTS: usize = 60;

fn x(value: f64) -> f64 {
    LEFT + value * (SIZE - LEFT - 10.0)
}

fn y(value: f64) -> f64 {
    SIZE - BOTTOM - value * (SIZE - BOTTOM - 10.0)
}

fn frame(title: &str, across: &str, up: &str, inside: &str) -> String {
    let mut svg = format!("<figure><svg viewBox=\"0 0 {SIZE} {SIZE}\" role=\"img\" aria-label=\"{title}\">");
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (at, over) = (x(tick), y(tick));
        // Writing to a string cannot fail.
        let _ = write!(
            svg,
            "<path class=\"axis\" d=\"M{LEFT} {over:.1}H{:.1}M{at:.1} {:.1}V{:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0}</text>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{:.0}</text>",
            x(1.0),
            y(0.0),
            y(1.0),
            LEFT - 4.0,
            over + 4.0,
            tick * 100.0,
            y(0.0) + 14.0,
            tick * 100.0
        );
    }
    let _ = write!(
        svg,
        "{inside}<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{across}, %</text>\
         <text transform=\"translate(12 {:.1}) rotate(-90)\" text-anchor=\"middle\">{up}, %</text></svg>\
         <figcaption class=\"soft\">{title}</figcaption></figure>",
        x(0.5),
        SIZE - 3.0,
        y(0.5)
    );
    svg
}

/// How often the answers of each tenth of probability are right: on the diagonal, a probability means what it says.
pub(super) fn reliability(answers: &[Answer]) -> String {
    let mut bins = [[0.0; 3]; BINS];
    for answer in answers {
        let bin = &mut bins[((answer.probability * BINS as f64) as usize).min(BINS - 1)];
        bin[0] += answer.probability;
        bin[1] += f64::from(u8::from(answer.right()));
        bin[2] += 1.0;
    }
    let mut inside = format!("<path class=\"ideal\" d=\"M{} {}L{} {}\"/>", x(0.0), y(0.0), x(1.0), y(1.0));
    for [probability, right, n] in bins.into_iter().filter(|b| b[2] > 0.0) {
        let radius = 3.0 + 9.0 * (n / answers.len() as f64).sqrt();
        let (at, over) = (x(probability / n), y(right / n));
        let _ = write!(
            inside,
            "<circle class=\"dot\" cx=\"{at:.1}\" cy=\"{over:.1}\" r=\"{radius:.1}\"><title>{n} answers: said {:.0} %, right {:.0} %</title></circle>",
            100.0 * probability / n,
            100.0 * right / n
        );
    }
    frame(
        "Reliability: is the probability what it says? Larger dots are more answers",
        "probability given",
        "right",
        &inside,
    )
}

/// The share of right answers when only the surest are taken.
pub(super) fn coverage(answers: &[Answer]) -> String {
    let mut sorted: Vec<&Answer> = answers.iter().collect();
    sorted.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let (mut right, mut path, mut next) = (0usize, String::new(), 1);
    for (i, answer) in sorted.iter().enumerate() {
        right += usize::from(answer.right());
        if (i + 1) * POINTS >= next * sorted.len() {
            next = (i + 1) * POINTS / sorted.len() + 1;
            let (share, accuracy) = ((i + 1) as f64 / sorted.len() as f64, right as f64 / (i + 1) as f64);
            let _ = write!(path, "{}{:.1} {:.1}", if path.is_empty() { 'M' } else { 'L' }, x(share), y(accuracy));
        }
    }
    let inside = format!("<path class=\"one\" d=\"{path}\"/>");
    frame("Coverage and accuracy: the surest answers first", "answers taken", "right", &inside)
}
