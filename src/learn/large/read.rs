//! One reading of all files: rows are parsed and prepared on all threads and
//! taken in the order of the files, so that the number of threads changes nothing.

use crate::{
    learn::{
        config::TrainConfig,
        job::Job,
        load::{excluded, wrong_label},
        softmax::SoftmaxError,
        train::TrainError,
    },
    rows::{Format, LabelledArticle, RawRow, RowError, Rows, Split, labelled},
};
use std::path::PathBuf;

/// A row that is not left out.
pub(super) struct Given {
    pub(super) article: LabelledArticle,
    pub(super) file: usize,
    pub(super) line: u64,
    /// See [`Example`](crate::learn::load::Example).
    pub(super) measured_only: bool,
}

/// What is read in every pass, and how.
pub(super) struct Reader<'a> {
    pub(super) files: &'a [PathBuf],
    pub(super) config: &'a TrainConfig,
    pub(super) job: &'a Job<'a>,
    /// Bytes of rows that are held at a time.
    pub(super) hold: usize,
}

/// Most rows that are held at a time.
const HOLD_ROWS: usize = 8_192;

impl Reader<'_> {
    /// Gives every row, after `prepare` on some thread, to `take`. `of`: how many there are, where that is known.
    pub(super) fn pass<S, R: Send>(
        &self,
        what: &str,
        of: u64,
        scratch: impl Fn() -> S + Sync,
        prepare: impl Fn(&mut S, Given) -> R + Sync,
        mut take: impl FnMut(Result<R, RowError>) -> Result<(), TrainError>,
    ) -> Result<(), TrainError> {
        let mut done = 0;
        for (file, path) in self.files.iter().enumerate() {
            let io = |e| TrainError::Config(format!("{}: {e}", path.display()));
            let prepare = |scratch: &mut S, raw: RawRow| {
                let line = raw.line;
                let given = self.given(raw, file).map_err(|message| RowError { file: path.clone(), line, message });
                given.transpose().map(|given| given.map(|given| prepare(scratch, given)))
            };
            let mut rows = Rows::open(path, Format::of(path).unwrap_or(Format::Jsonl)).map_err(io)?;
            loop {
                let (mut held, mut bytes) = (Vec::new(), 0);
                while held.len() < HOLD_ROWS && bytes < self.hold {
                    let Some(row) = rows.next() else { break };
                    let row = row.map_err(io)?;
                    bytes += row.weight();
                    held.push(row);
                }
                if held.is_empty() {
                    break;
                }
                done += held.len() as u64;
                for prepared in self.job.map(held, &scratch, prepare).into_iter().flatten() {
                    take(prepared)?;
                }
                let told = if of == 0 { format!("{what}: {done}") } else { what.to_owned() };
                self.job.step(&told, done.min(of), of).map_err(SoftmaxError::from)?;
            }
        }
        Ok(())
    }

    /// `None` for a row that the settings leave out.
    fn given(&self, raw: RawRow, file: usize) -> Result<Option<Given>, String> {
        let line = raw.line;
        let article = labelled(raw)?;
        let measured_only = excluded(&article, self.config);
        if measured_only && article.split != Split::Dev {
            return Ok(None);
        }
        if !measured_only && let Some(message) = wrong_label(&article) {
            return Err(message);
        }
        Ok(Some(Given { article, file, line, measured_only }))
    }
}
