//! Answers as Apache Parquet: a label and its probability stand in one group, so countries and stances are lists of such.

use super::flat::{Flat, Stance};
use parquet::{
    basic::{Compression, ZstdLevel},
    data_type::{ByteArray, ByteArrayType, DataType, DoubleType},
    errors::ParquetError,
    file::{
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{
    io::{self, Write},
    sync::Arc,
};

const SCHEMA: &str = "message answers {
    required binary id (STRING);
    optional binary topic (STRING);
    optional binary topic_name (STRING);
    optional double topic_probability;
    optional binary topic_abstained (STRING);
    optional binary desk (STRING);
    optional group countries (LIST) {
        repeated group list {
            required group element { required binary code (STRING); required double probability; }
        }
    }
    required group stances (LIST) {
        repeated group list {
            required group element {
                required binary target (STRING); required binary label (STRING); required double probability;
            }
        }
    }
    required binary language (STRING);
    required binary model (STRING);
}";
/// Rows of a group: so many are held in memory.
const GROUP_ROWS: usize = 8_192;

/// A file that is being written. Without [`close`](Self::close) nobody can read it.
pub(super) struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    rows: Vec<Flat>,
}

impl<W: Write + Send> Writer<W> {
    pub(super) fn new(out: W) -> io::Result<Self> {
        let schema = Arc::new(parse_message_type(SCHEMA).map_err(broken)?);
        let level = ZstdLevel::try_new(1).map_err(broken)?;
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
        let file = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(broken)?;
        Ok(Self { file, rows: Vec::new() })
    }

    pub(super) fn push(&mut self, row: Flat) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() < GROUP_ROWS { Ok(()) } else { self.write_rows() }
    }

    /// Writes what is left, and the footer.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.write_rows()?;
        self.file.close().map_err(broken)?;
        Ok(())
    }

    fn write_rows(&mut self) -> io::Result<()> {
        if self.rows.is_empty() {
            return Ok(());
        }
        let group = self.file.next_row_group().map_err(broken)?;
        write_columns(&self.rows, Columns(group)).map_err(broken)?;
        self.rows.clear();
        Ok(())
    }
}

/// The parts of the schema in their order.
fn write_columns(rows: &[Flat], mut columns: Columns<'_, impl Write + Send>) -> Result<(), ParquetError> {
    fn text(value: impl AsRef<str>) -> ByteArray {
        ByteArray::from(value.as_ref())
    }
    columns.required(rows.iter().map(|row| text(&row.id)))?;
    columns.optional::<ByteArrayType>(rows.iter().map(|row| row.topic.as_ref().map(|t| text(&t.id))))?;
    columns.optional::<ByteArrayType>(rows.iter().map(|row| row.topic.as_ref().map(|t| text(&t.name))))?;
    columns.optional::<DoubleType>(rows.iter().map(|row| row.topic.as_ref().map(|t| t.probability)))?;
    columns.optional::<ByteArrayType>(rows.iter().map(|row| row.topic_abstained.as_ref().map(text)))?;
    columns.optional::<ByteArrayType>(rows.iter().map(|row| row.desk.map(text)))?;
    let countries = || rows.iter().map(|row| row.countries.as_deref());
    columns.lists::<ByteArrayType, _>(true, countries(), |(code, _)| text(code))?;
    columns.lists::<DoubleType, _>(true, countries(), |(_, probability)| *probability)?;
    let stances = || rows.iter().map(|row| Some(row.stances.as_slice()));
    columns.lists::<ByteArrayType, _>(false, stances(), |stance: &Stance| text(&stance.target))?;
    columns.lists::<ByteArrayType, _>(false, stances(), |stance| text(&stance.label))?;
    columns.lists::<DoubleType, _>(false, stances(), |stance| stance.probability)?;
    columns.required(rows.iter().map(|row| text(&row.language)))?;
    columns.required(rows.iter().map(|row| text(&row.model)))?;
    columns.0.close()?;
    Ok(())
}

/// The columns of a group of rows. Levels are those of Dremel (Melnik et al. 2010), as the Parquet format defines them.
struct Columns<'a, W: Write + Send>(SerializedRowGroupWriter<'a, W>);

impl<W: Write + Send> Columns<'_, W> {
    fn write<T: DataType>(&mut self, values: &[T::T], levels: [Option<&[i16]>; 2]) -> Result<(), ParquetError> {
        let column = self.0.next_column()?;
        let mut column = column.ok_or_else(|| ParquetError::General("more columns than the schema has".into()))?;
        let [definition, repetition] = levels;
        column.typed::<T>().write_batch(values, definition, repetition)?;
        column.close()
    }

    fn required(&mut self, values: impl Iterator<Item = ByteArray>) -> Result<(), ParquetError> {
        self.write::<ByteArrayType>(&values.collect::<Vec<_>>(), [None, None])
    }

    fn optional<T: DataType>(&mut self, values: impl Iterator<Item = Option<T::T>>) -> Result<(), ParquetError> {
        let values: Vec<_> = values.collect();
        let levels: Vec<i16> = values.iter().map(|value| value.is_some().into()).collect();
        let values: Vec<_> = values.into_iter().flatten().collect();
        self.write::<T>(&values, [Some(&levels), None])
    }

    /// One field of the elements of lists, which may be missing if `optional`.
    fn lists<'a, T: DataType, E: 'a>(
        &mut self,
        optional: bool,
        lists: impl Iterator<Item = Option<&'a [E]>>,
        field: impl Fn(&'a E) -> T::T,
    ) -> Result<(), ParquetError> {
        let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
        let empty = i16::from(optional);
        for list in lists {
            let elements = list.unwrap_or_default();
            if elements.is_empty() {
                definition.push(if list.is_some() { empty } else { 0 });
                repetition.push(0);
            }
            for (i, element) in elements.iter().enumerate() {
                definition.push(empty + 1);
                repetition.push((i > 0).into());
                values.push(field(element));
            }
        }
        self.write::<T>(&values, [Some(&definition), Some(&repetition)])
    }
}

fn broken(error: ParquetError) -> io::Error {
    io::Error::other(error)
}
