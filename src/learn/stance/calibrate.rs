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

/// Calibrates the head on `dev`; `None`: it holds no labelled mention.
pub(super) fn calibrate(head: &mut StanceHead, dev: &[LabelledArticle]) -> Option<()> {
    let scored: Vec<([f32; CLASSES], usize)> = scores(head, dev);
    if scored.is_empty() {
        return None;
    }
    // Inverse temperature and two offsets by squared error: unlike the logarithm it does not let the few labels that are
    // beyond any model, or wrong, make all answers less sure than they deserve. No further step toward the least
    // calibration error: fitted on 785 training mentions it made the error of the others larger.
    let mut x = [1.0f64, 0.0, 0.0];
    for round in 0..2_000 {
        let mut gradient = [0.0; 3];
        for (s, truth) in &scored {
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
    let settings = &mut head.model.settings;
    settings.inverse_temperature = x[0] as f32;
    settings.offsets = [x[1] as f32, x[2] as f32, 0.0];
    settings.threshold = THRESHOLD;
    Some(())
}

fn logits(scores: &[f32; CLASSES], x: &[f64; 3]) -> [f64; CLASSES] {
    let mut z = scores.map(|s| f64::from(s) * x[0]);
    z[0] += x[1];
    z[1] += x[2];
    z
}

fn scores(head: &StanceHead, dev: &[LabelledArticle]) -> Vec<([f32; CLASSES], usize)> {
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
