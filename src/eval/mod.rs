//! Measuring a model on labelled articles.

pub mod answers;
pub mod compare;
pub mod metrics;
pub mod report;
mod topic;

pub use topic::evaluate as topic;

use crate::model::Metric;
use std::collections::BTreeMap;

/// Resamples behind each interval.
const RESAMPLES: usize = 300;

/// Scored rows by data set.
struct Table<T> {
    rows: Vec<T>,
    datasets: BTreeMap<String, Vec<usize>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), datasets: BTreeMap::new() }
    }
}

impl<T> Table<T> {
    fn add(&mut self, dataset: Option<&str>, row: T) {
        self.datasets.entry(dataset.unwrap_or("unnamed").to_owned()).or_default().push(self.rows.len());
        self.rows.push(row);
    }

    /// The figures over all rows, then of each data set where there are several.
    fn metrics(&self, figures: impl Fn(&[&T], &str) -> Vec<Metric>) -> Vec<Metric> {
        if self.rows.is_empty() {
            return Vec::new();
        }
        let all: Vec<&T> = self.rows.iter().collect();
        let mut metrics = figures(&all, "all");
        if self.datasets.len() > 1 {
            for (dataset, indices) in &self.datasets {
                let rows: Vec<&T> = indices.iter().map(|&i| &self.rows[i]).collect();
                metrics.extend(figures(&rows, dataset));
            }
        }
        metrics
    }
}

fn metric(name: &str, dataset: &str, articles: usize, majority: f64, estimate: metrics::Estimate) -> Metric {
    let metrics::Estimate { value, low, high } = estimate;
    let (name, dataset) = (name.to_owned(), dataset.to_owned());
    Metric { name, dataset, value, low, high, majority, articles: articles as u64 }
}
