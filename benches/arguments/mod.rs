//! The arguments of the benches of one head: `[FILE.jsonl] [--seconds N] [--model DIR]`.

use std::path::PathBuf;
use wiredesk::model::Classifier;

pub(crate) struct Arguments {
    pub(crate) file: Option<PathBuf>,
    pub(crate) seconds: f64,
    pub(crate) classifier: Classifier,
}

pub(crate) fn arguments() -> Arguments {
    let mut args = std::env::args().skip(1).filter(|a| a != "--bench");
    let (mut file, mut seconds, mut model) = (None, 8.0, None);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--seconds" => seconds = args.next().unwrap().parse().unwrap(),
            "--model" => model = Some(PathBuf::from(args.next().unwrap())),
            _ => file = Some(PathBuf::from(arg)),
        }
    }
    let classifier = model.map_or_else(Classifier::embedded, |m| Classifier::open(&m)).unwrap();
    Arguments { file, seconds, classifier }
}
