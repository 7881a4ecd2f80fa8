//! Two models on the same rows: is the new one better, worse, or can these
//! rows not tell? Paired bootstrap (Koehn 2004): both are measured on each
//! resample, and the interval is that of their difference.

use super::{
    answers::{Answers, Task},
    metrics::{Estimate, bootstrap},
};

const RESAMPLES: usize = 1_000;

/// One figure of both models.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Difference {
    /// `topic`, `desk`, `countries` or `stance`.
    pub task: String,
    /// `accuracy`, `macro_f1` or `micro_f1`.
    pub figure: String,
    /// Labelled items.
    pub n: usize,
    /// The figure of the model that is there.
    pub base: f64,
    /// The figure of the new one.
    pub new: f64,
    /// New less base, with its 95 % interval.
    pub difference: Estimate,
}

impl Difference {
    /// Worse beyond the interval: the whole of it lies below 0.
    #[must_use]
    pub fn worse(&self) -> bool {
        self.difference.high < 0.0
    }

    /// Better beyond the interval.
    #[must_use]
    pub fn better(&self) -> bool {
        self.difference.low > 0.0
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { task, figure, n, base, new, difference: Estimate { value, low, high } } = self;
        let verdict = if self.worse() {
            "worse"
        } else if self.better() {
            "better"
        } else {
            "no difference that these rows show"
        };
        write!(
            f,
            "{task} {figure}: {base:.4} -> {new:.4} ({value:+.4}, 95 % interval {low:+.4} to {high:+.4}, n {n}): {verdict}"
        )
    }
}

/// The differences of all figures. Both must be answers to the same rows, made together.
#[must_use]
pub fn compare(base: &Answers, new: &Answers, seed: u64) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut add = |task: &str, figure: &str, n: usize, f: &dyn Fn(&[usize]) -> (f64, f64)| {
        let all: Vec<usize> = (0..n).collect();
        let (before, after) = f(&all);
        let difference = bootstrap(n, RESAMPLES, seed, |sample| {
            let (before, after) = f(sample);
            after - before
        });
        let (task, figure) = (task.to_owned(), figure.to_owned());
        differences.push(Difference { task, figure, n, base: before, new: after, difference });
    };
    for (a, b) in base.tasks.iter().zip(&new.tasks) {
        add(a.name, "accuracy", a.answers.len(), &|s| (a.accuracy(s), b.accuracy(s)));
        add(a.name, "macro_f1", a.answers.len(), &|s| (a.macro_f1(s), b.macro_f1(s)));
    }
    if !base.countries.is_empty() {
        add("countries", "micro_f1", base.countries.len(), &|s| (base.country_f1(s), new.country_f1(s)));
    }
    differences
}

/// An item to which two models give different labels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// Index of its row.
    pub row: usize,
    /// Index of the right label.
    pub truth: usize,
    /// The label that the first model gives.
    pub from: usize,
    /// The label that the second gives.
    pub to: usize,
}

/// Where two models differ on one task.
#[must_use]
pub fn changes(base: &Task, new: &Task) -> Vec<Change> {
    let pairs = base.answers.iter().zip(&new.answers).filter(|(a, b)| a.predicted != b.predicted);
    pairs.map(|(a, b)| Change { row: a.row, truth: a.truth, from: a.predicted, to: b.predicted }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::answers::Answer;

    /// `right` of `n` items right; a wrong one is called the other label.
    fn answers(n: usize, right: impl Fn(usize) -> bool) -> Answers {
        let answer = |row: usize| {
            let truth = row % 2;
            let predicted = if right(row) { truth } else { 1 - truth };
            Answer { row, truth, predicted, probability: 0.9, answered: true }
        };
        let labels = vec!["a".to_owned(), "b".to_owned()];
        let task = Task { name: "topic", labels, answers: (0..n).map(answer).collect() };
        Answers { tasks: vec![task], countries: Vec::new() }
    }

    #[test]
    fn tells_better_worse_and_neither() {
        let good = answers(400, |i| i % 10 != 0);
        let bad = answers(400, |i| i % 5 != 0);
        let same = answers(400, |i| (i + 3) % 10 != 0);
        assert!(compare(&good, &bad, 1).iter().all(Difference::worse));
        assert!(compare(&bad, &good, 1).iter().all(Difference::better));
        assert!(compare(&good, &same, 1).iter().all(|d| !d.worse() && !d.better()));
        let nothing = compare(&good, &good, 1);
        assert!(nothing.iter().all(|d| d.difference.low == 0.0 && d.difference.high == 0.0));
        let changed = changes(&good.tasks[0], &bad.tasks[0]);
        assert_eq!(changed.len(), 40);
        assert!(changed.iter().all(|c| c.from == c.truth));
    }

    #[test]
    fn pairing_sees_what_two_intervals_do_not() {
        // One item in forty lost and none won: far within each model's own interval.
        let base = answers(400, |i| i % 3 != 0);
        let new = answers(400, |i| i % 3 != 0 && i % 40 != 1);
        let accuracy = &compare(&base, &new, 1)[0];
        let own = bootstrap(400, 500, 1, |s| base.tasks[0].accuracy(s));
        assert!(accuracy.worse() && accuracy.new > own.low, "{accuracy} {own:?}");
    }
}
