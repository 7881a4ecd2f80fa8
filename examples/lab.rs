//! throwaway lab
use linfa::prelude::*;
use ndarray::Array1;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use wiredesk::{
    eval::metrics::*,
    learn::{config::*, rows::*, softmax::*, space::*, word_vectors::*},
};
fn arg<T: std::str::FromStr>(k: &str, d: T) -> T {
    std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d)
}
fn main() {
    let mut rows: Vec<LabelledArticle> = vec![];
    read_rows(Path::new("/work/shared/data/topic/english.jsonl.gz"), |r| rows.push(r.unwrap().article)).unwrap();
    if let Ok(extra) = std::env::var("EXTRA") {
        for f in extra.split(',') {
            read_rows(Path::new(f), |r| rows.push(r.unwrap().article)).unwrap();
        }
    }
    let mut labels: Vec<String> = rows.iter().filter_map(|r| r.topic.clone()).collect();
    labels.sort();
    labels.dedup();
    let k = labels.len();
    let lab: HashMap<&str, usize> = labels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let ds = |r: &LabelledArticle| r.dataset.clone().unwrap();
    let sets: Vec<String> = [
        "abp_allsides",
        "ag_news",
        "huffpost",
        "indicnews",
        "masakhanews",
        "nyt_cap",
        "uci_news_aggregator",
        "wp_current_events",
    ]
    .map(String::from)
    .to_vec();
    let only = std::env::var("ONLY").ok();
    let (epochs, lr, c) = (arg("EPOCHS", 5usize), arg("LR", 0.5f32), arg("C", 10f32));
    let (es, dlr, bal) = (arg("ES", 4f32), arg("DLR", 0.1f32), arg("BAL", 0f32));
    let noisy = arg("NOISY", 1f32);
    let cbal = arg("CBAL", 0f32);
    let pseudo = arg("PSEUDO", 1f32);
    let fc = FeatureConfig {
        title_weight: arg("TW", 2u16),
        bits: arg("BITS", 18u32),
        min_frequency: arg("DF", 2u32),
        ..Default::default()
    };
    let wv = std::env::var("WV").ok().map(|f| WordVectors::parse(&std::fs::read(f).unwrap()).unwrap());
    let mut mean = vec![];
    let holdouts: Vec<Option<String>> = match only.as_deref() {
        Some("none") => vec![None],
        Some(o) => o.split(',').map(|s| Some(s.to_string())).collect(),
        None => sets.iter().cloned().map(Some).chain([None]).collect(),
    };
    for h in holdouts {
        let t = std::time::Instant::now();
        let train: Vec<&LabelledArticle> = rows
            .iter()
            .filter(|r| {
                r.split == Split::Train
                    && Some(ds(r)) != h
                    && !(ds(r).starts_with("pseudo") && ds(r) != format!("pseudo-{}", h.as_deref().unwrap_or("none")))
            })
            .collect();
        let mut test: Vec<&LabelledArticle> = rows
            .iter()
            .filter(|r| {
                !ds(r).starts_with("pseudo") && if let Some(h) = &h { &ds(r) == h } else { r.split == Split::Dev }
            })
            .collect();
        if h.is_some() {
            let step = (test.len() / 4000).max(1);
            test = test.into_iter().step_by(step).collect();
        }
        let mut enc = Encoder::fit(train.iter().copied(), &fc, wv.as_ref(), es);
        let xs: Vec<SparseDoc> = train.iter().map(|r| enc.encode(r)).collect();
        let xt: Vec<SparseDoc> = test.iter().map(|r| enc.encode(r)).collect();
        let y: Vec<usize> = train.iter().map(|r| lab[r.topic.as_deref().unwrap()]).collect();
        let yt: Vec<usize> = test.iter().map(|r| lab[r.topic.as_deref().unwrap()]).collect();
        let t1 = t.elapsed();
        let mut cnt: BTreeMap<String, usize> = BTreeMap::new();
        for r in &train {
            *cnt.entry(ds(r)).or_default() += 1;
        }
        let mut ccl = vec![1f32; k];
        for &c in &y {
            ccl[c] += 1.;
        }
        let mut w: Vec<f32> = train.iter().zip(&y).map(|(r, &c)| if ds(r).starts_with("pseudo") { pseudo * 1e-3 } else { 1e-3 } * (cnt[&ds(r)] as f32 / 2e4).powf(-bal) * (ccl[c] / 1e4).powf(-cbal) * if r.quality.as_deref() == Some("noisy") { noisy } else { 1. }).collect();
        let m = w.iter().sum::<f32>() / w.len() as f32;
        w.iter_mut().for_each(|x| *x /= m);
        let data = Dataset::new(records(xs), Array1::from(y.clone())).with_weights(Array1::from(w));
        let model =
            SoftmaxParams::new(k).epochs(epochs).learning_rate(lr).dense_learning_rate(dlr).c(c).fit(&data).unwrap();
        let p: Vec<usize> = xt.iter().map(|x| argmax(&model.decision_function(x))).collect();
        let (a, f) = (accuracy(&yt, &p), macro_f1(&yt, &p, k));
        println!(
            "{:20} n {:6} acc {:.4} f1 {:.4} [{:?} {:?}]",
            h.clone().unwrap_or("DEV(in-domain)".into()),
            yt.len(),
            a,
            f,
            t1,
            t.elapsed()
        );
        if h.is_none() {
            for s in &sets {
                let ix: Vec<usize> = (0..test.len()).filter(|&i| &ds(test[i]) == s).collect();
                let g = |v: &[usize]| ix.iter().map(|&i| v[i]).collect::<Vec<_>>();
                println!(
                    "   {:20} {:5} acc {:.4} f1 {:.4}",
                    s,
                    ix.len(),
                    accuracy(&g(&yt), &g(&p)),
                    macro_f1(&g(&yt), &g(&p), k)
                );
            }
        } else {
            mean.push(a);
        }
    }
    println!("MEAN {:.4}", mean.iter().sum::<f64>() / mean.len() as f64);
}
