//! throwaway lab
use linfa::prelude::*;
use ndarray::Array1;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use wiredesk::{
    eval::metrics::*,
    features::*,
    learn::{rows::*, softmax::*, vocabulary::*},
    text::*,
};
fn arg<T: std::str::FromStr>(k: &str, d: T) -> T {
    std::env::var(k).ok().and_then(|v| v.parse().ok()).unwrap_or(d)
}
fn main() {
    let t0 = std::time::Instant::now();
    let mut rows: Vec<LabelledArticle> = vec![];
    read_rows(Path::new("/work/shared/data/topic/english.jsonl.gz"), |r| rows.push(r.unwrap().article)).unwrap();
    eprintln!("read {} {:?}", rows.len(), t0.elapsed());
    let mut labels: Vec<String> = rows.iter().filter_map(|r| r.topic.clone()).collect();
    labels.sort();
    labels.dedup();
    let k = labels.len();
    let lab: HashMap<&str, usize> = labels.iter().enumerate().map(|(i, l)| (l.as_str(), i)).collect();
    let ds = |r: &LabelledArticle| r.dataset.clone().unwrap();
    let mut sets: Vec<String> = rows.iter().map(ds).collect();
    sets.sort();
    sets.dedup();
    let only = std::env::var("ONLY").ok();
    let (tw, mindf, bits, epochs, lr, c) = (
        arg("TW", 2u16),
        arg("DF", 2u32),
        arg("BITS", 18u32),
        arg("EPOCHS", 5usize),
        arg("LR", 0.5f32),
        arg("C", 10f32),
    );
    let (es, dlr, bal) = (arg("ES", 0f32), arg("DLR", 0.1f32), arg("BAL", 0f32));
    let noisy = arg("NOISY", 1f32);
    let params = FeatureParams { title_weight: tw, ..Default::default() };
    // embeddings: words.txt + emb f32
    let emb: Option<(HashOf<usize>, Vec<f32>, usize)> = (es > 0.).then(|| {
        let words = std::fs::read_to_string(std::env::var("WORDS").unwrap_or("/work/lab/words.txt".into())).unwrap();
        let raw = std::fs::read(std::env::var("EMB").unwrap_or("/work/lab/emb.f32".into())).unwrap();
        let e: Vec<f32> = raw.chunks_exact(4).map(|c| f32::from_le_bytes(c.try_into().unwrap())).collect();
        let m: HashOf<usize> = words.lines().enumerate().map(|(i, w)| (hash_word(w.as_bytes()), i)).collect();
        let n = words.lines().count();
        let d = e.len() / n;
        (m, e, d)
    });
    let mut mean = vec![];
    let holdouts: Vec<Option<String>> = match only.as_deref() {
        Some("none") => vec![None],
        Some(o) => o.split(',').map(|s| Some(s.to_string())).collect(),
        None => sets.iter().cloned().map(Some).chain([None]).collect(),
    };
    for h in holdouts {
        let t = std::time::Instant::now();
        let train: Vec<&LabelledArticle> =
            rows.iter().filter(|r| r.split == Split::Train && Some(ds(r)) != h).collect();
        let mut test: Vec<&LabelledArticle> =
            rows.iter().filter(|r| if let Some(h) = &h { &ds(r) == h } else { r.split == Split::Dev }).collect();
        if h.is_some() {
            let step = (test.len() / 4000).max(1);
            test = test.into_iter().step_by(step).collect();
        }
        let mut doc = Document::default();
        let mut voc = Vocabulary::default();
        for r in &train {
            doc.read(&r.title, &r.text);
            voc.add(&doc, &params);
        }
        voc.prune(mindf);
        let ranked = voc.ranked();
        let nf = ranked.len();
        let index = FeatureIndex::build(ranked.iter().map(|x| x.0), bits);
        let mut idf = voc.slot_idf(&index);
        let _ = &mut idf;
        // slot -> embedding row
        let mut slot_emb: HashMap<u32, usize> = HashMap::new();
        if let Some((m, _, _)) = &emb {
            for (&hsh, &i) in m {
                if voc.frequency(hsh) > 0
                    && let Some(s) = index.slot(hsh)
                {
                    slot_emb.insert(s, i);
                }
            }
        }
        let slot_emb: Vec<u32> = {
            let mut v = vec![u32::MAX; index.slots()];
            for (s, i) in slot_emb {
                v[s as usize] = i as u32;
            }
            v
        };
        let mut counter = Counter::default();
        let mut enc = |r: &LabelledArticle| {
            doc.read(&r.title, &r.text);
            counter.count(&doc, &params, &index, |_| {});
            let x = counter.tf_idf(&idf);
            let dense = if let Some((m, e, d)) = &emb {
                let mut v = vec![0f32; *d];
                if arg("OOVE", 0) == 1 {
                    // pooled over all words incl. unseen in train
                    let mut cnt: HashMap<u64, u16> = HashMap::new();
                    for t in doc.tokens() {
                        *cnt.entry(t.hash).or_default() += 1;
                    }
                    let mut nn = 0f32;
                    for (hh, c) in &cnt {
                        if let Some(&i) = m.get(hh) {
                            let f = voc.frequency(*hh);
                            let w = log_tf(*c) * voc.idf(f);
                            nn += w * w;
                            for (a, b) in v.iter_mut().zip(&e[i * d..(i + 1) * d]) {
                                *a += w * es * b;
                            }
                        }
                    }
                    let s = 1. / nn.sqrt().max(1e-9);
                    v.iter_mut().for_each(|a| *a *= s);
                } else {
                    for (&s, &w) in x.slots.iter().zip(&x.values) {
                        let i = slot_emb[s as usize];
                        if i != u32::MAX {
                            let i = i as usize;
                            for (a, b) in v.iter_mut().zip(&e[i * d..(i + 1) * d]) {
                                *a += w * es * b;
                            }
                        }
                    }
                }
                if arg("UNIT", 0) == 1 {
                    let n = v.iter().map(|a| a * a).sum::<f32>().sqrt().max(1e-9);
                    v.iter_mut().for_each(|a| *a *= es / n);
                }
                v
            } else {
                vec![]
            };
            SparseDoc::new(x.slots, x.values, dense)
        };
        let xs: Vec<SparseDoc> = train.iter().map(|r| enc(r)).collect();
        let xt: Vec<SparseDoc> = test.iter().map(|r| enc(r)).collect();
        let y: Vec<usize> = train.iter().map(|r| lab[r.topic.as_deref().unwrap()]).collect();
        let yt: Vec<usize> = test.iter().map(|r| lab[r.topic.as_deref().unwrap()]).collect();
        let t1 = t.elapsed();
        // source balance: weight rows ~ (n_source)^-bal
        let mut cnt: BTreeMap<String, usize> = BTreeMap::new();
        for r in &train {
            *cnt.entry(ds(r)).or_default() += 1;
        }
        let mut ccl = vec![1f32; k];
        for &c in &y {
            ccl[c] += 1.;
        }
        let cbal = arg("CBAL", 0f32);
        let mut w: Vec<f32> = train
            .iter()
            .zip(&y)
            .map(|(r, &c)| {
                (cnt[&ds(r)] as f32).powf(-bal)
                    * ccl[c].powf(-cbal)
                    * if r.quality.as_deref() == Some("noisy") { noisy } else { 1. }
            })
            .collect();
        let m = w.iter().sum::<f32>() / w.len() as f32;
        w.iter_mut().for_each(|x| *x /= m);
        let data = Dataset::new(records(xs), Array1::from(y.clone())).with_weights(Array1::from(w));
        let model =
            SoftmaxParams::new(k).epochs(epochs).learning_rate(lr).dense_learning_rate(dlr).c(c).fit(&data).unwrap();
        let allowed: Vec<bool> = {
            let mut v = vec![false; k];
            for &a in &y {
                v[a] = true;
            }
            v
        };
        let _ = allowed;
        let p: Vec<usize> = xt.iter().map(|x| argmax(&model.decision_function(x))).collect();
        let (a, f) = (accuracy(&yt, &p), macro_f1(&yt, &p, k));
        println!(
            "{:20} n {:6} acc {:.4} f1 {:.4} feats {} [{:?} {:?}]",
            h.clone().unwrap_or("DEV(in-domain)".into()),
            yt.len(),
            a,
            f,
            nf,
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
