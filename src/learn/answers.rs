//! What models say of labelled rows, in the form that `eval` compares and reports on.
//!
//! It stands here and not in `eval` because only `learn` knows what a row's labels of region and stance mean.

use super::{
    region::{desk_label, focus},
    rows::LabelledArticle,
};
use crate::{
    article::{Article, Target},
    eval::answers::{Answer, Answers, CountryCounts, Task},
    heads::region::ABOUT,
    model::{Classifier, Scratch},
    places::countries::{DESKS, NO_DESK, desk_index},
    prediction::{Head, Options, Prediction, StanceLabel},
    taxonomy::rolled_up,
};

const STANCES: [(&str, StanceLabel); 4] = [
    ("supportive", StanceLabel::Supportive),
    ("critical", StanceLabel::Critical),
    ("neutral", StanceLabel::Neutral),
    ("undetermined", StanceLabel::Undetermined),
];

/// The answers of each model to the same items, in the same order: to every row whose labels one of them can give.
/// A model without a head that another one has answers nothing there, which is never right.
#[must_use]
pub fn answers(models: &[&Classifier], rows: &[LabelledArticle]) -> Vec<Answers> {
    let topics = Topics::of(models);
    let has = |head| models.iter().any(|m| m.has(head));
    let (regions, stances) = (has(Head::Region), has(Head::Stance));
    let desks: Vec<String> = DESKS.iter().chain([&NO_DESK]).map(|d| (*d).to_owned()).collect();
    let stance_names: Vec<String> = STANCES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let task = |name, labels: &[String]| Task { name, labels: labels.to_vec(), answers: Vec::new() };
    let mut all: Vec<(Task, Task, Task, Vec<CountryCounts>)> = models
        .iter()
        .map(|_| (task("topic", &topics.names), task("desk", &desks), task("stance", &stance_names), Vec::new()))
        .collect();
    let mut scratch = Scratch::default();
    for (row, labelled) in rows.iter().enumerate() {
        let topic = labelled.topic.as_deref().and_then(|t| topics.position(t));
        let desk = desk_label(labelled).filter(|_| regions);
        let about = focus(labelled).filter(|_| regions);
        let asked = if stances { asked(labelled) } else { Vec::new() };
        for (model, (topic_task, desk_task, stance_task, countries)) in models.iter().zip(&mut all) {
            if topic.is_some() || desk.is_some() || about.is_some() {
                let answer =
                    classify(model, labelled, topic.is_some(), desk.is_some() || about.is_some(), &mut scratch);
                topic_task.answers.extend(topic.map(|truth| topics.answer(row, truth, &answer)));
                desk_task.answers.extend(desk.map(|truth| desk_answer(row, truth, &answer)));
                countries.extend(about.as_ref().map(|about| {
                    let about: Vec<&str> = about.iter().map(|c| c.info().code).collect();
                    country_counts(row, &about, &answer)
                }));
            }
            if !asked.is_empty() {
                stance_task.answers.extend(stance_answers(model, row, labelled, &asked, &mut scratch));
            }
        }
    }
    let finished = |(topic, desk, stance, countries): (Task, Task, Task, _)| {
        let tasks = [topic, desk, stance].into_iter().filter(|t| !t.answers.is_empty()).collect();
        Answers { tasks, countries }
    };
    all.into_iter().map(finished).collect()
}

/// The labels of all models together.
struct Topics {
    ids: Vec<String>,
    names: Vec<String>,
}

impl Topics {
    fn of(models: &[&Classifier]) -> Self {
        let mut topics = Self { ids: Vec::new(), names: Vec::new() };
        for label in models.iter().filter_map(|m| m.heads().topic.as_ref()).flat_map(|head| &head.labels) {
            if !topics.ids.iter().any(|id| *id == *label.id) {
                topics.ids.push(label.id.to_string());
                topics.names.push(label.name.to_string());
            }
        }
        topics
    }

    fn position(&self, topic: &str) -> Option<usize> {
        rolled_up(topic.trim(), |topic| {
            let same = |label: &String| label.eq_ignore_ascii_case(topic);
            self.ids.iter().position(same).or_else(|| self.names.iter().position(same))
        })
    }

    fn answer(&self, row: usize, truth: usize, answer: &Prediction) -> Answer {
        let first = answer.topic.as_ref().and_then(|t| t.labels.first());
        let predicted = first.and_then(|l| self.ids.iter().position(|id| **id == *l.id)).unwrap_or(self.ids.len());
        let answered = answer.topic.as_ref().is_some_and(|t| t.abstained.is_none());
        Answer { row, truth, predicted, probability: first.map_or(0.0, |l| l.probability), answered }
    }
}

fn classify(model: &Classifier, row: &LabelledArticle, topic: bool, region: bool, scratch: &mut Scratch) -> Prediction {
    let mut heads = Vec::new();
    heads.extend(topic.then_some(Head::Topic));
    heads.extend(region.then_some(Head::Region));
    // A dateline that was cut off is put in front again, as in training; topics are measured without it.
    let text = match row.dateline.as_deref().filter(|d| region && !topic && !d.is_empty()) {
        Some(dateline) => format!("{dateline} {}", row.text),
        None => row.text.clone(),
    };
    let article = Article { title: row.title.clone(), text, ..Article::default() };
    model.classify(&article, &[], &Options { heads, ..Options::default() }, scratch)
}

fn desk_answer(row: usize, truth: usize, answer: &Prediction) -> Answer {
    let none = DESKS.len();
    let Some(region) = &answer.region else {
        return Answer { row, truth, predicted: none + 1, probability: 0.0, answered: false };
    };
    let predicted = desk_index(region.primary_desk).unwrap_or(none);
    let probability = region.desks.iter().find(|d| d.code == region.primary_desk).map_or(0.0, |d| d.probability);
    Answer { row, truth, predicted, probability, answered: region.abstained.is_none() }
}

fn country_counts(row: usize, about: &[&str], answer: &Prediction) -> CountryCounts {
    let told = answer.region.iter().flat_map(|r| &r.countries).filter(|c| c.probability >= ABOUT);
    let told: Vec<&str> = told.map(|c| c.code).collect();
    let hits = told.iter().filter(|c| about.contains(c)).count() as u64;
    CountryCounts { row, counts: [hits, told.len() as u64 - hits, about.len() as u64 - hits] }
}

/// The stances of a row whose target's mentions are given, with their labels. Those of directed data mean something
/// else and are left out.
fn asked(row: &LabelledArticle) -> Vec<(Target, usize)> {
    let known = row.stances.iter().flatten().filter(|s| s.source_entity.is_none() && !s.target.mentions.is_empty());
    let label = |label: &str| STANCES.iter().take(3).position(|(name, _)| *name == label);
    known.filter_map(|s| Some((s.target.clone().into(), label(&s.label)?))).collect()
}

fn stance_answers(
    model: &Classifier,
    row: usize,
    labelled: &LabelledArticle,
    asked: &[(Target, usize)],
    scratch: &mut Scratch,
) -> Vec<Answer> {
    let article = Article { title: labelled.title.clone(), text: labelled.text.clone(), ..Article::default() };
    let targets: Vec<Target> = asked.iter().map(|(target, _)| target.clone()).collect();
    let options = Options { heads: vec![Head::Stance], ..Options::default() };
    let told = model.classify(&article, &targets, &options, scratch).stances;
    let answer = |(i, (_, truth)): (usize, &(Target, usize))| {
        let told = told.get(i);
        let predicted = told.and_then(|t| STANCES.iter().position(|(_, label)| *label == t.label));
        let answered = told.is_some_and(|t| t.abstained.is_none());
        let probability = told.map_or(0.0, |t| t.probability);
        Answer { row, truth: *truth, predicted: predicted.unwrap_or(STANCES.len()), probability, answered }
    };
    asked.iter().enumerate().map(answer).collect()
}
