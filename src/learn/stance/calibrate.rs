//! Temperature and offsets (Guo et al. 2017) and the threshold of an answer,
//! fitted on held-out mentions.

use super::examples;
use crate::{
    heads::stance::{
        Extractor, StanceHead,
        model::{CLASSES, softmax},
    },
    learn::rows::LabelledArticle,
    text::{Document, sentences},
};

/// Least probability of an answer: below, the three labels are close to even.
const THRESHOLD: f32 = 0.42;

/// A mention's scores before calibration, and its label.
type Scored = ([f32; CLASSES], usize);
/// Inverse temperature, and what is added to supportive and critical.
type Numbers = [f64; 3];

/// Calibrates the head on `dev`; `None`: it holds no labelled mention.
pub(super) fn calibrate(head: &mut StanceHead, dev: &[LabelledArticle]) -> Option<()> {
    let scored: Vec<Scored> = scores(head, dev);
    if scored.is_empty() {
        return None;
    }
    let x = fitted(&scored);
    let settings = &mut head.model.settings;
    settings.inverse_temperature = x[0] as f32;
    settings.offsets = [x[1] as f32, x[2] as f32, 0.0];
    settings.threshold = THRESHOLD;
    Some(())
}

/// By squared error: unlike the logarithm it does not let the few labels that are beyond any model, or wrong, make all
/// answers less sure than they deserve. No further step toward the least calibration error: fitted on 785 training
/// mentions it made the error of the others larger.
fn fitted(scored: &[Scored]) -> Numbers {
    let mut x = [1.0f64, 0.0, 0.0];
    for round in 0..2_000 {
        let mut gradient = [0.0; 3];
        for (s, truth) in scored {
            let p = softmax(logits(s, &x));
            let mut e = p;
            e[*truth] -= 1.0;
            let mean: f64 = p.iter().zip(e).map(|(p, e)| p * e).sum();
            let slope: [f64; CLASSES] = std::array::from_fn(|c| 2.0 * p[c] * (e[c] - mean));
            gradient[0] += slope.iter().zip(s).map(|(e, s)| e * f64::from(*s)).sum::<f64>();
            gradient[1] += slope[0];
            gradient[2] += slope[1];
        }
        let rate = if round < 1_000 { 1.0 } else { 0.3 };
        for (x, g) in x.iter_mut().zip(gradient) {
            *x -= rate * g / scored.len() as f64;
        }
        x[0] = x[0].clamp(0.05, 20.0);
    }
    x
}

fn logits(scores: &[f32; CLASSES], x: &Numbers) -> [f64; CLASSES] {
    let mut z = scores.map(|s| f64::from(s) * x[0]);
    z[0] += x[1];
    z[1] += x[2];
    z
}

fn scores(head: &StanceHead, dev: &[LabelledArticle]) -> Vec<Scored> {
    let mut extractor = Extractor::default();
    let mut out = Vec::new();
    for item in examples::labelled(dev).iter().filter(|l| l.kind == examples::Kind::Portrayal) {
        let document = Document::new(&item.row.title, &item.row.text);
        let Some(&span) = item.target().mentions.first() else { continue };
        let (begin, end) = document.normalized(span);
        let parts = sentences(&document);
        let at = parts.partition_point(|s| s.end <= begin);
        if let Some(sentence) = parts.get(at) {
            extractor.begin(parts.len());
            let (scores, _) = head.model.scores(&mut extractor, &document, (at, sentence), &[(begin, end)]);
            out.push((scores, item.label));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mentions whose labels are as probable as their scores say: `n` of each kind.
    fn mentions(n: usize) -> Vec<Scored> {
        let kinds = [[2.0f32, 0.0, 0.3], [0.2, 1.1, 0.8], [0.0, 0.5, 1.5], [1.0, 0.4, 0.9]];
        let mut out = Vec::new();
        for scores in kinds {
            let p = softmax(scores.map(f64::from));
            let most = (p[0] * n as f64).round() as usize;
            let next = ((p[0] + p[1]) * n as f64).round() as usize;
            out.extend((0..n).map(|i| (scores, if i < most { 0 } else { 1 + usize::from(i >= next) })));
        }
        out
    }

    #[test]
    fn finds_the_temperature_that_the_labels_have() {
        let scored: Vec<Scored> = mentions(1_000).iter().map(|(s, l)| (s.map(|s| s * 2.0), *l)).collect();
        let x = fitted(&scored);
        assert!((x[0] - 0.5).abs() < 0.05 && x[1].abs() < 0.1 && x[2].abs() < 0.1, "{x:?}");
    }
}
