//! Rows of a file or of standard input, one at a time and in constant memory:
//! JSON lines, CSV, TSV, Parquet, or a whole text; plain, `.gz` or `.zst`.
//!
//! Reading only finds where rows begin and end; [`RawRow::parse`] does the
//! rest, so that many threads can parse at a time.

use csv::ByteRecord;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::Arc,
};

/// How articles are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The whole input is the text of one article.
    Text,
    /// One JSON object a line.
    Jsonl,
    /// A header line, then one article a row; a tab between the fields when the file's name ends in `.tsv`.
    Csv,
    /// Apache Parquet; the columns are named as the keys of JSON.
    Parquet,
}

impl Format {
    /// What the name of the file tells, if anything.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        match plain_extension(path)? {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" | "tsv" => Some(Self::Csv),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }
}

/// One row as it was read.
pub struct RawRow {
    /// Line in its file, from 1; in Parquet, the number of the row.
    pub line: u64,
    raw: Raw,
}

enum Raw {
    /// Id and text.
    Text(String, Vec<u8>),
    Json(Vec<u8>),
    Csv(Arc<ByteRecord>, ByteRecord),
    Object(Map<String, Value>),
    Broken(String),
}

impl RawRow {
    /// The row as `T`, of which `what` is the name in messages.
    ///
    /// # Errors
    /// Says what is wrong with the row and, where it can, what would be right.
    pub fn parse<T: DeserializeOwned>(self, what: &str) -> Result<T, String> {
        match self.raw {
            Raw::Json(bytes) => {
                let text = std::str::from_utf8(&bytes).map_err(|e| not_utf8(&e))?;
                // Rows are lines: serde's "at line 1" would only mislead.
                serde_json::from_str(text).map_err(|e| {
                    let e = e.to_string().replace(" at line 1 column", ", column");
                    format!("not {what} as one JSON object: {e}")
                })
            }
            Raw::Text(id, bytes) => {
                let text = String::from_utf8(bytes).map_err(|e| not_utf8(&e.utf8_error()))?;
                from_cells([("id".to_owned(), Value::String(id)), ("text".to_owned(), Value::String(text))])
            }
            Raw::Csv(header, record) => from_cells(csv_cells(&header, &record)?),
            Raw::Object(object) => from_cells(object_cells(object)?),
            Raw::Broken(message) => Err(message),
        }
    }

    /// Bytes of it, to bound what is held at a time.
    #[must_use]
    pub fn weight(&self) -> usize {
        match &self.raw {
            Raw::Text(_, bytes) | Raw::Json(bytes) => bytes.len(),
            Raw::Csv(_, record) => record.as_slice().len(),
            Raw::Object(object) => object.values().filter_map(Value::as_str).map(str::len).sum(),
            Raw::Broken(message) => message.len(),
        }
    }
}

fn from_cells<T: DeserializeOwned>(cells: impl IntoIterator<Item = (String, Value)>) -> Result<T, String> {
    serde_json::from_value(Value::Object(cells.into_iter().collect())).map_err(|e| e.to_string())
}

fn csv_cells(header: &ByteRecord, record: &ByteRecord) -> Result<Vec<(String, Value)>, String> {
    if record.len() > header.len() {
        let (got, most) = (record.len(), header.len());
        return Err(format!("{got} fields under {most} columns: quote fields that hold the separator"));
    }
    // An empty cell is no value; an empty text is a text.
    let given = |(name, value): &(&[u8], &[u8])| !value.is_empty() || matches!(*name, b"title" | b"text");
    let given = header.iter().zip(record).filter(given);
    given
        .map(|(name, value)| {
            let name = String::from_utf8_lossy(name).into_owned();
            let value = std::str::from_utf8(value).map_err(|e| format!("{name}: {}", not_utf8(&e)))?;
            Ok((name.clone(), cell(&name, value)?))
        })
        .collect()
}

fn object_cells(object: Map<String, Value>) -> Result<Vec<(String, Value)>, String> {
    let known = object.into_iter().filter(|(_, value)| !value.is_null());
    let read = |(name, value): (String, Value)| match value {
        Value::String(text) => cell(&name, &text).map(|value| (name, value)),
        value => Ok((name, value)),
    };
    known.map(read).collect()
}

/// A cell of a table: lists are JSON, or values with `;` between them.
fn cell(name: &str, value: &str) -> Result<Value, String> {
    let json = || serde_json::from_str(value).map_err(|e| format!("{name}: not a JSON list: {e}"));
    let list = |separators: &[char]| {
        let values = value.split(separators).map(str::trim).filter(|v| !v.is_empty());
        Value::Array(values.map(|v| Value::String(v.to_owned())).collect())
    };
    Ok(match name {
        "stances" => json()?,
        "countries" | "desks" | "mentioned" | "targets" if value.trim_start().starts_with('[') => json()?,
        "countries" | "desks" | "mentioned" => list(&[' ', ';', '|']),
        "targets" if value.trim().is_empty() => Value::Null,
        "targets" => list(&[';']),
        "weight" => value.parse::<u16>().map(Value::from).map_err(|e| format!("weight: {e}"))?,
        _ => Value::String(value.to_owned()),
    })
}

/// The rows of one input. Memory: one row and the buffers of the file.
pub struct Rows {
    /// As it is shown in messages.
    name: String,
    reader: Reader,
}

enum Reader {
    Text(Option<Box<dyn BufRead + Send>>),
    Jsonl { reader: Box<dyn BufRead + Send>, line: u64 },
    Csv { reader: Box<csv::Reader<Box<dyn BufRead + Send>>>, header: Arc<ByteRecord> },
    Parquet { rows: Box<parquet::record::reader::RowIter<'static>>, row: u64 },
}

/// Longest line or file that is read as one article; far above any limit on texts.
const MAX_ROW_BYTES: u64 = 64 << 20;

impl Rows {
    /// Opens `path`; `-` is standard input.
    ///
    /// # Errors
    /// When it cannot be opened, or is a table without a column for the text.
    pub fn open(path: &Path, format: Format) -> io::Result<Self> {
        let stdin = path == Path::new("-");
        let name = if stdin { "<stdin>".to_owned() } else { path.display().to_string() };
        if format == Format::Parquet {
            return Ok(Self { name, reader: open_parquet(path)? });
        }
        let mut input = if stdin { Box::new(BufReader::new(io::stdin())) } else { open(path)? };
        skip_byte_order_mark(&mut input)?;
        let reader = match format {
            Format::Text => Reader::Text(Some(input)),
            Format::Jsonl => Reader::Jsonl { reader: input, line: 0 },
            Format::Csv | Format::Parquet => {
                let delimiter = if plain_extension(path) == Some("tsv") { b'\t' } else { b',' };
                let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(input);
                let header = reader.byte_headers().map_err(io::Error::other)?.clone();
                needs_text(header.iter().map(|name| String::from_utf8_lossy(name)), "in the first line")?;
                Reader::Csv { reader: Box::new(reader), header: Arc::new(header) }
            }
        };
        Ok(Self { name, reader })
    }

    /// The file, as it is shown in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    fn next_row(&mut self) -> io::Result<Option<RawRow>> {
        match &mut self.reader {
            Reader::Text(input) => {
                let Some(input) = input.take() else { return Ok(None) };
                let mut bytes = Vec::new();
                input.take(MAX_ROW_BYTES + 1).read_to_end(&mut bytes)?;
                let raw = bounded(bytes, |bytes| Raw::Text(self.name.clone(), bytes));
                Ok(Some(RawRow { line: 1, raw }))
            }
            Reader::Jsonl { reader, line } => loop {
                let mut bytes = Vec::new();
                if reader.by_ref().take(MAX_ROW_BYTES + 1).read_until(b'\n', &mut bytes)? == 0 {
                    return Ok(None);
                }
                *line += 1;
                if bytes.len() as u64 > MAX_ROW_BYTES {
                    skip_line(reader)?;
                }
                if !bytes.iter().all(u8::is_ascii_whitespace) {
                    return Ok(Some(RawRow { line: *line, raw: bounded(bytes, Raw::Json) }));
                }
            },
            Reader::Csv { reader, header } => {
                let before = reader.position().line();
                let mut record = ByteRecord::new();
                match reader.read_byte_record(&mut record) {
                    Ok(false) => Ok(None),
                    Ok(true) => {
                        let line = record.position().map_or(before, csv::Position::line);
                        Ok(Some(RawRow { line, raw: Raw::Csv(Arc::clone(header), record) }))
                    }
                    Err(e) if e.is_io_error() => Err(io::Error::other(e)),
                    Err(e) => Ok(Some(RawRow { line: before, raw: Raw::Broken(e.to_string()) })),
                }
            }
            Reader::Parquet { rows, row } => {
                let Some(read) = rows.next() else { return Ok(None) };
                *row += 1;
                match read.map_err(io::Error::other)?.to_json_value() {
                    Value::Object(object) => Ok(Some(RawRow { line: *row, raw: Raw::Object(object) })),
                    _ => Err(io::Error::new(io::ErrorKind::InvalidData, "a row that is no group of columns")),
                }
            }
        }
    }
}

impl Iterator for Rows {
    type Item = io::Result<RawRow>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_row().transpose()
    }
}

fn needs_text<S: AsRef<str>>(mut columns: impl Iterator<Item = S>, place: &str) -> io::Result<()> {
    if columns.any(|name| matches!(name.as_ref(), "text" | "title")) {
        return Ok(());
    }
    let message = format!("no column \"text\" or \"title\" {place}");
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

fn open_parquet(path: &Path) -> io::Result<Reader> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    if path == Path::new("-") {
        let message = "Parquet is read from its end: give a file, not standard input";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let reader = SerializedFileReader::new(File::open(path)?).map_err(io::Error::other)?;
    let schema = reader.metadata().file_metadata().schema();
    needs_text(schema.get_fields().iter().map(|field| field.name()), "in the schema")?;
    Ok(Reader::Parquet { rows: Box::new(reader.into_iter()), row: 0 })
}

fn bounded(bytes: Vec<u8>, raw: impl FnOnce(Vec<u8>) -> Raw) -> Raw {
    if bytes.len() as u64 > MAX_ROW_BYTES {
        return Raw::Broken(format!("more than {MAX_ROW_BYTES} bytes in one article"));
    }
    raw(bytes)
}

fn skip_line(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let chunk = reader.fill_buf()?;
        let (skip, end) = match chunk.iter().position(|&b| b == b'\n') {
            Some(i) => (i + 1, true),
            None => (chunk.len(), chunk.is_empty()),
        };
        reader.consume(skip);
        if end {
            return Ok(());
        }
    }
}

fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let file = File::open(path)?;
    Ok(match path.extension().and_then(|e| e.to_str()) {
        Some("gz") => Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(BufReader::new(file)))),
        Some("zst") => Box::new(BufReader::new(zstd::Decoder::new(file)?)),
        _ => Box::new(BufReader::with_capacity(1 << 16, file)),
    })
}

/// Editors on Windows put one before UTF-8 text.
fn skip_byte_order_mark(input: &mut impl BufRead) -> io::Result<()> {
    if input.fill_buf()?.starts_with("\u{feff}".as_bytes()) {
        input.consume("\u{feff}".len());
    }
    Ok(())
}

/// The extension, not counting that of the compression.
fn plain_extension(path: &Path) -> Option<&str> {
    let compressed = path.extension().is_some_and(|e| e == "gz" || e == "zst");
    let plain = if compressed { path.file_stem().map(Path::new)? } else { path };
    plain.extension()?.to_str()
}

fn not_utf8(error: &std::str::Utf8Error) -> String {
    format!("byte {} is not UTF-8: save the file as UTF-8", error.valid_up_to())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::{
        data_type::{ByteArray, ByteArrayType, Int32Type},
        file::{properties::WriterProperties, writer::SerializedFileWriter},
        schema::parser::parse_message_type,
    };

    /// Two rows: one with all columns, one with a null and a list.
    fn parquet_file(path: &Path) {
        let schema = "message rows { optional binary text (UTF8); optional int32 id; optional binary countries (UTF8);
            optional group desks (LIST) { repeated group list { optional binary element (UTF8); } } }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let properties = Arc::new(WriterProperties::builder().build());
        let mut writer = SerializedFileWriter::new(File::create(path).unwrap(), schema, properties).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let strings = |values: &[&str]| values.iter().map(|v| ByteArray::from(*v)).collect::<Vec<_>>();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&strings(&["A", "B"]), Some(&[1, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int32Type>().write_batch(&[7], Some(&[1, 0]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&strings(&["SY; IQ"]), Some(&[0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let levels = (Some(&[3i16, 3, 0][..]), Some(&[0i16, 1, 0][..]));
        column.typed::<ByteArrayType>().write_batch(&strings(&["EUR", "SAS"]), levels.0, levels.1).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
    }

    #[test]
    fn reads_parquet() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rows.parquet");
        parquet_file(&path);
        let mut rows = Vec::new();
        super::super::read_rows(&path, |row| rows.push(row.unwrap())).unwrap();
        assert_eq!(rows.iter().map(|r| r.line).collect::<Vec<_>>(), [1, 2]);
        let [first, second] = [&rows[0].article, &rows[1].article];
        assert_eq!((first.id.as_str(), first.text.as_str(), first.countries.as_ref()), ("7", "A", None));
        let lists = |list: &Option<Vec<String>>| list.clone().unwrap_or_default().join(",");
        assert_eq!((lists(&first.desks), lists(&second.countries)), ("EUR,SAS".into(), "SY,IQ".into()));
        std::fs::write(&path, b"PAR1 and nothing else").unwrap();
        assert!(Rows::open(&path, Format::Parquet).is_err());
        assert!(Rows::open(Path::new("-"), Format::Parquet).is_err());
    }

    #[test]
    fn cells_become_lists() {
        assert_eq!(cell("countries", "SY;IQ").unwrap(), serde_json::json!(["SY", "IQ"]));
        assert_eq!(cell("desks", "[\"EUR\"]").unwrap(), serde_json::json!(["EUR"]));
        assert_eq!(cell("targets", "A b; C").unwrap(), serde_json::json!(["A b", "C"]));
        assert_eq!(cell("weight", "3").unwrap(), serde_json::json!(3));
        for (name, bad) in [("weight", "x"), ("stances", "A"), ("countries", "[SY")] {
            assert!(cell(name, bad).unwrap_err().starts_with(name));
        }
    }
}
