//! The loader of bundles: one file of a small bundle is replaced or patched and the whole sealed again, so that the
//! checksums are right and only the loader itself stands between the bytes and the server. It must refuse the bundle
//! or make a model of it that answers. The manifest is fuzzed as it is read: before anything else.
#![no_main]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use libfuzzer_sys::fuzz_target;
use std::{borrow::Cow, path::Path, sync::LazyLock};
use wiredesk::{
    article::Article,
    model::{Bundle, Classifier, Manifest, Scratch},
    prediction::Options,
};
use wiredesk_fuzz::command;

static SMALL: LazyLock<Bundle> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (config, out) = (dir.path().join("small.toml"), dir.path().join("model"));
    std::fs::write(&config, "[features]\nbits = 10\n").unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/topic");
    let [a, b] = ["weather.jsonl", "society.jsonl"].map(|name| root.join(name));
    let [config, out, a, b] = [&config, &out, &a, &b].map(|path| path.to_str().unwrap());
    command(&["train", "--config", config, "--out", out, "--data", a, b]);
    let mut bundle = Bundle::read(Path::new(out)).unwrap();
    // A few places are as good as all, and quicker.
    if let Some(file) = bundle.files.get_mut("gazetteer.tsv") {
        let lines: Vec<u8> = file.split_inclusive(|b| *b == b'\n').take(40).flatten().copied().collect();
        *file = Cow::Owned(lines);
    }
    bundle
});

fuzz_target!(|data: &[u8]| {
    let [which, how, a, b, content @ ..] = data else { return };
    let names: Vec<&String> = SMALL.files.keys().collect();
    let which = usize::from(*which) % (names.len() + 1);
    let Some(name) = names.get(which) else {
        let _refused = Manifest::parse(content);
        return;
    };
    let mut bundle = SMALL.clone();
    let file = bundle.files.get_mut(*name).unwrap();
    if how & 1 == 0 {
        *file = Cow::Owned(content.to_vec());
    } else {
        // The bytes at a place, counted from the front or, for the parts at the end, from the back.
        let bytes = file.to_mut();
        let offset = usize::from(u16::from_le_bytes([*a, *b]));
        let begin = if how & 2 == 0 { offset } else { bytes.len().saturating_sub(offset) };
        for (to, from) in bytes.iter_mut().skip(begin).zip(content) {
            *to = *from;
        }
        if how & 4 != 0 {
            bytes.truncate(begin + content.len());
        }
    }
    if let Ok(model) = Classifier::new(bundle) {
        let text = "Heavy rain flooded the harbour of Lisbon on Monday, and the mayor blamed the government in Madrid.";
        let article = Article { text: text.into(), ..Article::default() };
        let _answer = model.classify(&article, &[], &Options::default(), &mut Scratch::default());
    }
});
