//! Figures from counts: accuracy, F1, calibration error, bootstrap intervals.

use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};

/// A figure with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    /// On the whole sample.
    pub value: f64,
    /// 2.5th percentile over resamples.
    pub low: f64,
    /// 97.5th percentile over resamples.
    pub high: f64,
}

/// Share of `predicted` that equals `truth`; 0 for empty input.
#[must_use]
pub fn accuracy(truth: &[usize], predicted: &[usize]) -> f64 {
    let right = truth.iter().zip(predicted).filter(|(t, p)| t == p).count();
    ratio(right as f64, truth.len() as f64)
}

/// True positives, false positives and false negatives of each class.
#[must_use]
pub fn counts(truth: &[usize], predicted: &[usize], classes: usize) -> Vec<[u64; 3]> {
    let mut counts = vec![[0; 3]; classes];
    for (&t, &p) in truth.iter().zip(predicted) {
        if t == p {
            counts[t][0] += 1;
        } else {
            counts[p][1] += 1;
            counts[t][2] += 1;
        }
    }
    counts
}

/// F1 of one class: 2TP / (2TP + FP + FN); 0 when it never occurs.
#[must_use]
pub fn f1([tp, fp, fn_]: [u64; 3]) -> f64 {
    ratio(2.0 * tp as f64, (2 * tp + fp + fn_) as f64)
}

/// Mean F1 over the classes that occur in `truth` (scikit-learn's
/// `f1_score(average="macro", labels=present)`).
#[must_use]
pub fn macro_f1(truth: &[usize], predicted: &[usize], classes: usize) -> f64 {
    let counts = counts(truth, predicted, classes);
    let present: Vec<f64> = counts.into_iter().filter(|c| c[0] + c[2] > 0).map(f1).collect();
    ratio(present.iter().sum(), present.len() as f64)
}

/// Micro-averaged precision, recall and F1 of label sets.
#[must_use]
pub fn micro_f1<T: PartialEq>(truth: &[Vec<T>], predicted: &[Vec<T>]) -> [f64; 3] {
    let (mut tp, mut fp, mut fn_) = (0u64, 0u64, 0u64);
    for (t, p) in truth.iter().zip(predicted) {
        let hit = p.iter().filter(|x| t.contains(x)).count() as u64;
        tp += hit;
        fp += p.len() as u64 - hit;
        fn_ += t.len() as u64 - hit;
    }
    [ratio(tp as f64, (tp + fp) as f64), ratio(tp as f64, (tp + fn_) as f64), f1([tp, fp, fn_])]
}

/// Expected calibration error: mean gap between confidence and accuracy over
/// `BINS` equal-width bins, weighted by their size (Guo et al. 2017).
#[must_use]
pub fn expected_calibration_error(confidence: &[f64], right: &[bool]) -> f64 {
    const BINS: usize = 15;
    let mut bins = [[0.0; 3]; BINS];
    for (&c, &r) in confidence.iter().zip(right) {
        let bin = &mut bins[((c * BINS as f64) as usize).min(BINS - 1)];
        bin[0] += c;
        bin[1] += f64::from(u8::from(r));
        bin[2] += 1.0;
    }
    let gap: f64 = bins.iter().map(|b| (b[0] - b[1]).abs()).sum();
    ratio(gap, confidence.len() as f64)
}

/// Percentile bootstrap over `n` items: `figure` gets the indices of each resample.
pub fn bootstrap(n: usize, resamples: usize, seed: u64, figure: impl Fn(&[usize]) -> f64) -> Estimate {
    let all: Vec<usize> = (0..n).collect();
    let value = figure(&all);
    if n == 0 || resamples == 0 {
        return Estimate { value, low: value, high: value };
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sample = vec![0; n];
    let mut values: Vec<f64> = (0..resamples)
        .map(|_| {
            for index in &mut sample {
                *index = (random.next_u64() % n as u64) as usize;
            }
            figure(&sample)
        })
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((resamples - 1) as f64 * share).round() as usize];
    Estimate { value, low: at(0.025), high: at(0.975) }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against scikit-learn 1.9: `f1_score([0,0,1,2], [0,1,1,0], average="macro")`.
    #[test]
    fn agrees_with_scikit_learn() {
        let (truth, predicted) = ([0, 0, 1, 2], [0, 1, 1, 0]);
        assert!((macro_f1(&truth, &predicted, 3) - 0.388_888_9).abs() < 1e-6);
        assert!((accuracy(&truth, &predicted) - 0.5).abs() < 1e-12);
        let [p, r, f] = micro_f1(&[vec!["a", "b"], vec![]], &[vec!["a"], vec!["c"]]);
        assert_eq!((p, r, f), (0.5, 0.5, 0.5));
    }

    #[test]
    fn calibration_error_is_the_gap() {
        assert!((expected_calibration_error(&[0.8; 10], &[true; 10]) - 0.2).abs() < 1e-12);
        assert!(expected_calibration_error(&[], &[]).abs() < 1e-12);
    }

    #[test]
    fn bootstrap_brackets_the_value() {
        let data: Vec<f64> = (0..200).map(f64::from).collect();
        let mean = bootstrap(200, 500, 1, |s| s.iter().map(|&i| data[i]).sum::<f64>() / 200.0);
        assert!(mean.low < 99.5 && 99.5 < mean.high && mean.high - mean.low < 25.0);
    }
}
