//! What a model says of labelled rows, label by label: what the comparison and the report are made of.

use super::metrics;

/// The answer to one labelled item.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Answer {
    /// Index of its row.
    pub row: usize,
    /// Index of the right label.
    pub truth: usize,
    /// Index of the label that was given; the number of labels for no answer at all.
    pub predicted: usize,
    /// Its probability.
    pub probability: f64,
    /// The model did not abstain.
    pub answered: bool,
}

impl Answer {
    /// Whether the given label is the right one.
    #[must_use]
    pub fn right(&self) -> bool {
        self.truth == self.predicted
    }
}

/// One question with one right label an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// `topic`, `desk` or `stance`.
    pub name: &'static str,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// The answers, in the order of the rows.
    pub answers: Vec<Answer>,
}

impl Task {
    /// Share of right labels among the answers at `sample`.
    #[must_use]
    pub fn accuracy(&self, sample: &[usize]) -> f64 {
        let right = sample.iter().filter(|&&i| self.answers.get(i).is_some_and(Answer::right)).count();
        right as f64 / sample.len().max(1) as f64
    }

    /// Mean F1 over the labels that occur, among the answers at `sample`.
    #[must_use]
    pub fn macro_f1(&self, sample: &[usize]) -> f64 {
        let (truth, predicted): (Vec<usize>, Vec<usize>) =
            sample.iter().filter_map(|&i| self.answers.get(i)).map(|a| (a.truth, a.predicted)).unzip();
        metrics::macro_f1(&truth, &predicted, self.labels.len() + 1)
    }
}

/// Countries of one row: found, given wrongly, missed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountryCounts {
    /// Index of the row.
    pub row: usize,
    /// True positives, false positives, false negatives.
    pub counts: [u64; 3],
}

/// All that one model says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// The questions that the rows have labels for.
    pub tasks: Vec<Task>,
    /// Rows that say which countries they are about.
    pub countries: Vec<CountryCounts>,
}

impl Answers {
    /// Micro-averaged F1 of the countries of the rows at `sample`.
    #[must_use]
    pub fn country_f1(&self, sample: &[usize]) -> f64 {
        let rows = sample.iter().filter_map(|&i| self.countries.get(i));
        let sum = |[a, b, c]: [u64; 3], r: &CountryCounts| [a + r.counts[0], b + r.counts[1], c + r.counts[2]];
        metrics::f1(rows.fold([0; 3], sum))
    }

    /// Whether there is anything to measure.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.countries.is_empty()
    }
}
