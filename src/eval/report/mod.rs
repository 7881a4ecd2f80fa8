//! The report of `wiredesk evaluate --report`: one HTML file that needs
//! nothing else, for the screen, the phone and paper.

mod charts;

use super::{
    answers::{Answer, Answers, Task},
    compare::{Difference, changes},
    metrics::{self, Estimate, bootstrap},
};
use crate::{model::Identity, rows::LabelledArticle};
use rand_xoshiro::{
    Xoshiro256PlusPlus,
    rand_core::{RngCore, SeedableRng},
};
use std::{collections::BTreeMap, fmt::Write as _};

const RESAMPLES: usize = 300;
/// Values of a slice that are shown.
const MOST_SLICES: usize = 12;
/// With more labels the matrix is too wide to read.
const MOST_IN_MATRIX: usize = 40;

/// What the report is made of.
pub struct Input<'a> {
    /// The model that was measured.
    pub model: &'a Identity,
    /// What it answered.
    pub answers: &'a Answers,
    /// The model it is compared with, what that answered, and the differences.
    pub against: Option<(&'a Identity, &'a Answers, &'a [Difference])>,
    /// The rows.
    pub rows: &'a [LabelledArticle],
    /// Where they come from, in words.
    pub data: &'a str,
    /// The worst errors.
    pub worst: &'a [Worst],
    /// Seed of the resampling.
    pub seed: u64,
}

/// A wrong answer that was given with confidence.
pub struct Worst {
    /// Which question.
    pub task: &'static str,
    /// Index of its row.
    pub row: usize,
    /// The right label.
    pub truth: String,
    /// The label that was given.
    pub predicted: String,
    /// Its probability.
    pub probability: f64,
    /// The terms that spoke for it, with what they added.
    pub terms: Vec<(String, f64)>,
}

/// The report as one HTML document.
#[must_use]
pub fn html(input: &Input<'_>) -> String {
    let mut out = String::new();
    let Identity { name, version, digest } = input.model;
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{0} {1}: evaluation</title><style>{2}</style></head><body>\
         <h1>{0} {1}</h1><p class=\"digest soft\">sha256:{3}</p>\
         <p>Measured on {4} labelled articles of {5}. Intervals are 95 % bootstrap intervals.</p>",
        escape(name),
        escape(version),
        include_str!("style.css"),
        escape(digest),
        input.rows.len(),
        escape(input.data)
    );
    if let Some(against) = input.against {
        comparison(&mut out, input, against);
    }
    for task in &input.answers.tasks {
        section(&mut out, input, task);
    }
    if !input.answers.countries.is_empty() {
        let n = input.answers.countries.len();
        let f1 = bootstrap(n, RESAMPLES, input.seed, |s| input.answers.country_f1(s));
        let _ = write!(out, "<h2>countries</h2><p>Micro-averaged F1 over {n} articles: {}.</p>", estimate(f1));
    }
    worst(&mut out, input);
    out.push_str("</body></html>\n");
    out
}

fn comparison(out: &mut String, input: &Input<'_>, (base, answers, differences): (&Identity, &Answers, &[Difference])) {
    let _ = write!(
        out,
        "<h2>Against {} {}</h2><p class=\"digest soft\">sha256:{}</p><div class=\"wide\"><table>\
         <caption>Paired bootstrap: both models on the same resamples.</caption><thead><tr><th>question</th><th class=\"text\">figure</th><th>n</th>\
         <th>{}</th><th>{}</th><th>difference</th><th class=\"text\">verdict</th></tr></thead><tbody>",
        escape(&base.name),
        escape(&base.version),
        escape(&base.digest),
        escape(&base.version),
        escape(&input.model.version)
    );
    for d in differences {
        let Estimate { value, low, high } = d.difference;
        let (class, verdict) = match (d.better(), d.worse()) {
            (true, _) => ("better", "better"),
            (_, true) => ("worse", "worse"),
            _ => ("soft", "not told apart by these rows"),
        };
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"text\">{}</td><td>{}</td><td>{:.3}</td><td>{:.3}</td>\
             <td>{value:+.3} <small>{low:+.3} to {high:+.3}</small></td><td class=\"text {class}\">{verdict}</td></tr>",
            d.task,
            d.figure.replace('_', " "),
            d.n,
            d.base,
            d.new
        );
    }
    out.push_str("</tbody></table></div>");
    for (old, new) in answers.tasks.iter().zip(&input.answers.tasks) {
        let changed = changes(old, new);
        let won = changed.iter().filter(|c| c.to == c.truth).count();
        let lost = changed.iter().filter(|c| c.from == c.truth).count();
        let _ = write!(
            out,
            "<p>{}: {} of {} labels changed; <span class=\"better\">{won} became right</span>, \
             <span class=\"worse\">{lost} became wrong</span>.</p>",
            new.name,
            changed.len(),
            new.answers.len()
        );
        let mut kinds: BTreeMap<(usize, usize), [usize; 3]> = BTreeMap::new();
        for c in &changed {
            let counts = kinds.entry((c.from, c.to)).or_default();
            counts[0] += 1;
            counts[1] += usize::from(c.to == c.truth);
            counts[2] += usize::from(c.from == c.truth);
        }
        let mut kinds: Vec<_> = kinds.into_iter().collect();
        kinds.sort_by_key(|(_, n)| std::cmp::Reverse(n[0]));
        if kinds.is_empty() {
            continue;
        }
        out.push_str("<div class=\"wide\"><table><thead><tr><th>from</th><th class=\"text\">to</th><th>articles</th><th>became right</th><th>became wrong</th></tr></thead><tbody>");
        for ((from, to), [n, won, lost]) in kinds.into_iter().take(MOST_SLICES) {
            let (from, to) = (label(new, from), label(new, to));
            let _ = write!(
                out,
                "<tr><td>{from}</td><td class=\"text\">{to}</td><td>{n}</td><td>{won}</td><td>{lost}</td></tr>"
            );
        }
        out.push_str("</tbody></table></div>");
    }
}

fn section(out: &mut String, input: &Input<'_>, task: &Task) {
    let n = task.answers.len();
    let accuracy = bootstrap(n, RESAMPLES, input.seed, |s| task.accuracy(s));
    let f1 = bootstrap(n, RESAMPLES, input.seed, |s| task.macro_f1(s));
    let answered = task.answers.iter().filter(|a| a.answered).count();
    let (confidence, right): (Vec<f64>, Vec<bool>) = task.answers.iter().map(|a| (a.probability, a.right())).unzip();
    let _ = write!(
        out,
        "<h2>{}</h2><table><tbody><tr><td>labelled</td><td>{n}</td></tr><tr><td>accuracy</td><td>{}</td></tr>\
         <tr><td>macro F1</td><td>{}</td></tr><tr><td>expected calibration error</td><td>{:.3}</td></tr>\
         <tr><td>answered without abstaining</td><td>{:.1} %</td></tr></tbody></table>",
        task.name,
        estimate(accuracy),
        estimate(f1),
        metrics::expected_calibration_error(&confidence, &right),
        100.0 * answered as f64 / n.max(1) as f64
    );
    let _ = write!(
        out,
        "<div class=\"charts\">{}{}</div>",
        charts::reliability(&task.answers),
        charts::coverage(&task.answers)
    );
    classes(out, task, input.seed);
    matrix(out, task);
    out.push_str("<h3>Slices</h3>");
    let rows = input.rows;
    let of = |row: usize| rows.get(row);
    slice(out, task, input.seed, "source", |r| of(r).map(|a| a.source.clone()).filter(|s| !s.is_empty()));
    slice(out, task, input.seed, "data set", |r| of(r).and_then(|a| a.dataset.clone()));
    slice(out, task, input.seed, "language", |r| of(r).map(|a| a.lang.clone()).filter(|s| !s.is_empty()));
    slice(out, task, input.seed, "length", |r| of(r).map(|a| length(a).to_owned()));
    let month = |a: &LabelledArticle| a.published.as_deref().and_then(|p| p.get(..7)).map(str::to_owned);
    slice(out, task, input.seed, "month", |r| of(r).and_then(month));
}

fn length(article: &LabelledArticle) -> &'static str {
    match article.title.split_whitespace().chain(article.text.split_whitespace()).count() {
        0..25 => "below 25 words",
        25..100 => "25 to 99 words",
        100..400 => "100 to 399 words",
        _ => "400 words and more",
    }
}

fn label(task: &Task, at: usize) -> String {
    task.labels.get(at).map_or_else(|| "no answer".to_owned(), |l| escape(l))
}

/// Precision, recall and F1 of each label, with intervals from one set of resamples.
fn classes(out: &mut String, task: &Task, seed: u64) {
    let (n, classes) = (task.answers.len(), task.labels.len() + 1);
    let figures = |sample: &mut dyn Iterator<Item = usize>| {
        let (truth, predicted): (Vec<usize>, Vec<usize>) =
            sample.filter_map(|i| task.answers.get(i)).map(|a| (a.truth, a.predicted)).unzip();
        metrics::counts(&truth, &predicted, classes)
    };
    let all = figures(&mut (0..n));
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let resampled: Vec<Vec<[u64; 3]>> =
        (0..RESAMPLES).map(|_| figures(&mut (0..n).map(|_| (random.next_u64() % n.max(1) as u64) as usize))).collect();
    let interval = |class: usize, figure: fn([u64; 3]) -> f64| {
        let mut values: Vec<f64> = resampled.iter().map(|counts| figure(counts[class])).collect();
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((RESAMPLES - 1) as f64 * share).round() as usize];
        estimate(Estimate { value: figure(all[class]), low: at(0.025), high: at(0.975) })
    };
    out.push_str("<h3>Labels</h3><div class=\"wide\"><table><thead><tr><th>label</th><th>articles</th><th>precision</th><th>recall</th><th>F1</th></tr></thead><tbody>");
    for (class, &[tp, fp, missed]) in all.iter().enumerate().filter(|(_, c)| c.iter().sum::<u64>() > 0) {
        let precision = |[tp, fp, _]: [u64; 3]| tp as f64 / (tp + fp).max(1) as f64;
        let recall = |[tp, _, missed]: [u64; 3]| tp as f64 / (tp + missed).max(1) as f64;
        let given = if tp + fp > 0 { interval(class, precision) } else { "never given".to_owned() };
        let found = if tp + missed > 0 { interval(class, recall) } else { "never right".to_owned() };
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{given}</td><td>{found}</td><td>{}</td></tr>",
            label(task, class),
            tp + missed,
            interval(class, metrics::f1)
        );
    }
    out.push_str("</tbody></table></div>");
}

fn matrix(out: &mut String, task: &Task) {
    let mut counts: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut used: Vec<usize> = Vec::new();
    for a in &task.answers {
        *counts.entry((a.truth, a.predicted)).or_default() += 1;
        used.extend([a.truth, a.predicted]);
    }
    used.sort_unstable();
    used.dedup();
    if used.len() > MOST_IN_MATRIX {
        let _ = write!(out, "<p class=\"soft\">{} labels: too many for a confusion matrix.</p>", used.len());
        return;
    }
    out.push_str("<h3>Confusion matrix</h3><div class=\"wide\"><table class=\"matrix\"><caption>A row is the right label, a column the label given; the shade is the share of the row.</caption><thead><tr><th></th>");
    for &class in &used {
        let _ = write!(out, "<th>{}</th>", label(task, class));
    }
    out.push_str("</tr></thead><tbody>");
    for &truth in &used {
        let row: usize = used.iter().filter_map(|&p| counts.get(&(truth, p))).sum();
        if row == 0 {
            continue;
        }
        let _ = write!(out, "<tr><th>{}</th>", label(task, truth));
        for &predicted in &used {
            let n = counts.get(&(truth, predicted)).copied().unwrap_or(0);
            let shade = 0.75 * n as f64 / row as f64;
            let class = if truth == predicted { " class=\"right\"" } else { "" };
            let shown = if n == 0 { String::new() } else { n.to_string() };
            let _ = write!(out, "<td{class} style=\"background: rgba(var(--heat), {shade:.2})\">{shown}</td>");
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

fn slice(out: &mut String, task: &Task, seed: u64, by: &str, value: impl Fn(usize) -> Option<String>) {
    let mut slices: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (i, answer) in task.answers.iter().enumerate() {
        if let Some(value) = value(answer.row) {
            slices.entry(value).or_default().push(i);
        }
    }
    if slices.is_empty() {
        return;
    }
    let (all, mut slices) = (slices.len(), slices.into_iter().collect::<Vec<_>>());
    if all > MOST_SLICES {
        slices.sort_by_key(|(_, items)| std::cmp::Reverse(items.len()));
        slices.truncate(MOST_SLICES);
        slices.sort_by(|a, b| a.0.cmp(&b.0));
    }
    let note = if all > MOST_SLICES { format!(" (the largest {MOST_SLICES} of {all})") } else { String::new() };
    let _ = write!(
        out,
        "<div class=\"wide\"><table><thead><tr><th>{by}{note}</th><th>articles</th><th>accuracy</th><th>macro F1</th></tr></thead><tbody>"
    );
    for (name, items) in slices {
        let at = |sample: &[usize]| sample.iter().map(|&i| items[i]).collect::<Vec<_>>();
        let accuracy = bootstrap(items.len(), RESAMPLES, seed, |s| task.accuracy(&at(s)));
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.3}</td></tr>",
            escape(&name),
            items.len(),
            estimate(accuracy),
            task.macro_f1(&items)
        );
    }
    out.push_str("</tbody></table></div>");
}

fn worst(out: &mut String, input: &Input<'_>) {
    if input.worst.is_empty() {
        return;
    }
    out.push_str("<h2>Worst errors</h2><p class=\"soft\">Wrong answers given with the highest probability, with the terms that spoke for them. Some may be wrong labels.</p>");
    for w in input.worst {
        let Some(row) = input.rows.get(w.row) else { continue };
        let excerpt: String = row.text.chars().take(280).collect();
        let dots = if excerpt.len() < row.text.len() { " …" } else { "" };
        let _ = write!(
            out,
            "<div class=\"error\"><p><b>{}</b>: given <b class=\"worse\">{}</b> ({:.0} %), labelled <b>{}</b> <small>{}</small></p>\
             <p><b>{}</b> {}{dots}</p><p>",
            w.task,
            escape(&w.predicted),
            w.probability * 100.0,
            escape(&w.truth),
            escape(&row.id),
            escape(&row.title),
            escape(&excerpt)
        );
        for (term, weight) in &w.terms {
            let _ = write!(out, "<span class=\"term\">{} {weight:+.2}</span>", escape(term));
        }
        out.push_str("</p></div>");
    }
}

/// The wrong answers of a task, the surest first.
#[must_use]
pub fn surest_errors(task: &Task, most: usize) -> Vec<Answer> {
    let mut wrong: Vec<Answer> = task.answers.iter().copied().filter(|a| !a.right()).collect();
    wrong.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.row.cmp(&b.row)));
    wrong.truncate(most);
    wrong
}

fn estimate(Estimate { value, low, high }: Estimate) -> String {
    format!("{value:.3} <small>{low:.3} to {high:.3}</small>")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_all_parts_and_runs_nothing_of_the_rows() {
        let labels = vec!["weather".to_owned(), "sport & <b>play</b>".to_owned()];
        let answer = |row: usize| Answer {
            row,
            truth: row % 2,
            predicted: usize::from(row.is_multiple_of(5)),
            probability: 0.5 + row as f64 / 100.0,
            answered: !row.is_multiple_of(3),
        };
        let task = Task { name: "topic", labels, answers: (0..40).map(answer).collect() };
        let errors = surest_errors(&task, 3);
        assert!(errors.iter().all(|e| !e.right()) && errors[0].probability >= errors[2].probability);
        let answers = Answers { tasks: vec![task], countries: Vec::new() };
        let row = LabelledArticle {
            title: "<script>alert(1)</script>".into(),
            source: "The Gazette".into(),
            published: Some("2026-11-24".into()),
            ..LabelledArticle::default()
        };
        let rows = vec![row; 40];
        let model = Identity { name: "m".into(), version: "2".into(), digest: "d".into() };
        let differences = super::super::compare::compare(&answers, &answers, 1);
        let worst = [Worst {
            task: "topic",
            row: 0,
            truth: "a".into(),
            predicted: "b".into(),
            probability: 0.9,
            terms: vec![("<i>".into(), 1.0)],
        }];
        let against = Some((&model, &answers, &differences[..]));
        let html =
            html(&Input { model: &model, answers: &answers, against, rows: &rows, data: "x", worst: &worst, seed: 1 });
        for part in [
            "<h2>topic</h2>",
            "Against m 2",
            "Confusion matrix",
            "Reliability",
            "Coverage",
            "The Gazette",
            "2026-11",
            "Worst errors",
        ] {
            assert!(html.contains(part), "{part}");
        }
        for foreign in ["<script", "<i>", "<b>play", "http", "src="] {
            assert!(!html.contains(foreign), "{foreign}");
        }
    }
}
