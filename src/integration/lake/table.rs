//! The Parquet file of a day: rows in, row groups out, one row group in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use jiff::civil::Date;
use parquet::basic::{Compression, Encoding, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use sha2::{Digest as _, Sha256};

use super::columns::{Column, Columns, FIXED, Kind, as_int64};
use super::spool::{Row, Rows};
use crate::domain::{DeviceId, DeviceType, MetricValue};

/// Rows of a row group: enough for readers to skip by statistics and to read several at once.
const GROUP_ROWS: usize = 256 * 1024;
/// Bytes of a row group's values in memory: a wide table has shorter groups.
const GROUP_BYTES: usize = 32 * 1024 * 1024;
/// Rows given to an encoder at once.
const CHUNK: usize = 8 * 1024;

/// A finished file.
pub(super) struct Finished {
    pub(super) file: File,
    pub(super) bytes: u64,
    pub(super) sha256: String,
    pub(super) columns: Vec<Column>,
}

/// The values of a metric's column in the row group under way.
struct Cells {
    values: Values,
    /// 1 where the row has a value.
    levels: Vec<i16>,
}

enum Values {
    Numbers(Vec<f64>),
    Integers(Vec<i64>),
    Flags(Vec<bool>),
    Texts(Vec<ByteArray>),
}

struct Group {
    devices: Vec<u32>,
    times: Vec<i64>,
    cells: Vec<Cells>,
    bytes: usize,
}

/// Writes all rows. The same rows make the same bytes: two exports of a day can be compared.
pub(super) fn write(
    (columns, devices, mut rows): (Columns, Vec<DeviceId>, Rows),
    device_type: &DeviceType,
    date: Date,
    file: File,
) -> Result<Finished, ParquetError> {
    let (columns, places) = columns.settle();
    let schema = schema(&columns)?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties(device_type, date)?))?;
    let devices: Vec<ByteArray> = devices.iter().map(|id| ByteArray::from(id.raw())).collect();
    let device_type = ByteArray::from(device_type.raw());
    let mut group = Group::new(&columns);
    let mut row = Row::default();
    while rows.next(&mut row)? {
        group.push(&mut row, &places);
        if group.times.len() >= GROUP_ROWS || group.bytes >= GROUP_BYTES {
            group.write(&mut writer, &devices, &device_type)?;
        }
    }
    if !group.times.is_empty() {
        group.write(&mut writer, &devices, &device_type)?;
    }
    let mut file = writer.into_inner()?;
    let (bytes, sha256) = digest(&mut file)?;
    Ok(Finished {
        file,
        bytes,
        sha256,
        columns,
    })
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let text = |name: &str, repetition| {
        Type::primitive_type_builder(name, Physical::BYTE_ARRAY)
            .with_logical_type(Some(LogicalType::String))
            .with_repetition(repetition)
            .build()
    };
    let [id, kind, at] = FIXED;
    let time = LogicalType::timestamp(true, TimeUnit::MICROS);
    let mut fields = vec![
        text(id, Repetition::REQUIRED)?,
        text(kind, Repetition::REQUIRED)?,
        Type::primitive_type_builder(at, Physical::INT64)
            .with_logical_type(Some(time))
            .with_repetition(Repetition::REQUIRED)
            .build()?,
    ];
    for column in columns {
        let physical = match column.kind {
            Kind::Double => Physical::DOUBLE,
            Kind::Int64 => Physical::INT64,
            Kind::Boolean => Physical::BOOLEAN,
            Kind::String => {
                fields.push(text(&column.name, Repetition::OPTIONAL)?);
                continue;
            }
        };
        let builder = Type::primitive_type_builder(&column.name, physical).with_repetition(Repetition::OPTIONAL);
        fields.push(builder.build()?);
    }
    let fields = fields.into_iter().map(Arc::new).collect();
    Ok(Arc::new(Type::group_type_builder("readings").with_fields(fields).build()?))
}

fn properties(device_type: &DeviceType, date: Date) -> Result<WriterProperties, ParquetError> {
    let [_, _, at] = FIXED;
    let ascending = |column_idx| SortingColumn {
        column_idx,
        descending: false,
        nulls_first: false,
    };
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_column_dictionary_enabled(ColumnPath::from(at), false)
        .set_column_encoding(ColumnPath::from(at), Encoding::DELTA_BINARY_PACKED)
        .set_sorting_columns(Some(vec![ascending(0), ascending(2)]))
        .set_created_by(concat!("nightdesk ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("nightdesk.device_type".to_owned(), device_type.raw().to_owned()),
            KeyValue::new("nightdesk.date".to_owned(), date.to_string()),
        ]))
        .build())
}

impl Group {
    fn new(columns: &[Column]) -> Self {
        let cells = columns.iter().map(|column| Cells {
            values: match column.kind {
                Kind::Double => Values::Numbers(Vec::new()),
                Kind::Int64 => Values::Integers(Vec::new()),
                Kind::Boolean => Values::Flags(Vec::new()),
                Kind::String => Values::Texts(Vec::new()),
            },
            levels: Vec::new(),
        });
        Self {
            devices: Vec::new(),
            times: Vec::new(),
            cells: cells.collect(),
            bytes: 0,
        }
    }

    fn push(&mut self, row: &mut Row, places: &[usize]) {
        self.devices.push(row.device);
        self.times.push(row.at);
        for cells in &mut self.cells {
            cells.levels.push(0);
        }
        self.bytes += size_of::<u32>() + size_of::<i64>() + self.cells.len() * size_of::<i16>();
        for (number, value) in row.values.drain(..) {
            let place = places.get(usize::from(number)).copied();
            if let Some(cells) = place.and_then(|place| self.cells.get_mut(place)) {
                self.bytes += cells.push(value);
            }
        }
    }

    /// Writes the row group and begins the next one with the same memory.
    fn write(
        &mut self,
        writer: &mut SerializedFileWriter<File>,
        devices: &[ByteArray],
        device_type: &ByteArray,
    ) -> Result<(), ParquetError> {
        let mut group = writer.next_row_group()?;
        let named = |index: &u32| usize::try_from(*index).ok().and_then(|index| devices.get(index)).cloned();
        whole::<ByteArrayType, _>(&mut group, &self.devices, |index| named(index).unwrap_or_default())?;
        whole::<ByteArrayType, _>(&mut group, &self.devices, |_| device_type.clone())?;
        whole::<Int64Type, _>(&mut group, &self.times, |at| *at)?;
        for Cells { values, levels } in &mut self.cells {
            match values {
                Values::Numbers(values) => sparse::<DoubleType>(&mut group, values, levels)?,
                Values::Integers(values) => sparse::<Int64Type>(&mut group, values, levels)?,
                Values::Flags(values) => sparse::<BoolType>(&mut group, values, levels)?,
                Values::Texts(values) => sparse::<ByteArrayType>(&mut group, values, levels)?,
            }
            levels.clear();
        }
        group.close()?;
        self.devices.clear();
        self.times.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Cells {
    /// Takes the last row's value in; the bytes that it holds.
    fn push(&mut self, value: MetricValue) -> usize {
        let size = match (&mut self.values, value) {
            (Values::Numbers(values), value) => {
                let Some(number) = value.as_number() else { return 0 };
                values.push(number);
                size_of::<f64>()
            }
            (Values::Integers(values), value) => {
                let Some(number) = as_int64(&value) else { return 0 };
                values.push(number);
                size_of::<i64>()
            }
            (Values::Flags(values), MetricValue::Bool(flag)) => {
                values.push(flag);
                size_of::<bool>()
            }
            (Values::Texts(values), value) => {
                let text = match value {
                    MetricValue::Null => return 0,
                    // the shortest spelling that reads back as the same number
                    MetricValue::Number(number) => number.to_string(),
                    MetricValue::Integer(number) => number.to_string(),
                    MetricValue::Bool(flag) => flag.to_string(),
                    MetricValue::Text(text) => text.raw().to_owned(),
                };
                let length = text.len();
                values.push(ByteArray::from(text.into_bytes()));
                length + size_of::<ByteArray>()
            }
            // the kind was settled over all values
            (Values::Flags(_), _) => return 0,
        };
        if let Some(level) = self.levels.last_mut() {
            *level = 1;
        }
        size
    }
}

/// A column in which every row has a value.
fn whole<T: DataType, S>(
    group: &mut SerializedRowGroupWriter<'_, File>,
    rows: &[S],
    value: impl Fn(&S) -> T::T,
) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let mut chunk: Vec<T::T> = Vec::with_capacity(CHUNK);
    for rows in rows.chunks(CHUNK) {
        chunk.clear();
        chunk.extend(rows.iter().map(&value));
        column.typed::<T>().write_batch(&chunk, None, None)?;
    }
    column.close()
}

/// A column in which rows may have none. Empties the values.
fn sparse<T: DataType>(group: &mut SerializedRowGroupWriter<'_, File>, values: &mut Vec<T::T>, levels: &[i16]) -> Result<(), ParquetError> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    let mut rest = values.as_slice();
    for levels in levels.chunks(CHUNK) {
        let count = levels.iter().filter(|level| **level == 1).count();
        let (some, after) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        column.typed::<T>().write_batch(some, Some(levels), None)?;
        rest = after;
    }
    values.clear();
    column.close()
}

fn digest(file: &mut File) -> io::Result<(u64, String)> {
    file.seek(SeekFrom::Start(0))?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let read = file.read(&mut buffer)?;
        let Some(some) = buffer.get(..read).filter(|some| !some.is_empty()) else {
            break;
        };
        hash.update(some);
        bytes += read as u64;
    }
    Ok((bytes, hex(&hash.finalize())))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}"); // writing to a String cannot fail
        hex
    })
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::Field;

    use super::*;
    use crate::domain::Reading;
    use crate::integration::lake::spool::{Spool, nameless};

    fn file(dir: &std::path::Path, rows: Vec<Reading>) -> Finished {
        let mut spool = Spool::new(dir).unwrap();
        spool.extend(rows).unwrap();
        let date = jiff::civil::date(2026, 2, 19);
        write(spool.finish().unwrap(), &"Pump".into(), date, nameless(dir).unwrap()).unwrap()
    }

    fn row(number: i64, value: MetricValue) -> Reading {
        Reading {
            device_id: Some(format!("P-{:03}", number / 100_000).as_str().into()),
            timestamp: jiff::Timestamp::from_second(number).unwrap(),
            values: [("m".into(), value)].into(),
        }
    }

    /// What must stand in a row of the number: every seventh has no value.
    fn number(number: i64) -> MetricValue {
        if number % 7 == 0 {
            MetricValue::Null
        } else {
            MetricValue::Number(number as f64 / 8.0)
        }
    }

    #[test]
    fn a_day_of_several_row_groups_is_whole_and_the_same_rows_are_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let count = i64::try_from(GROUP_ROWS).unwrap() + 20_000;
        let rows: Vec<Reading> = (0..count).map(|at| row(at, number(at))).collect();
        let finished = file(dir.path(), rows.clone());
        assert_eq!(finished.sha256, file(dir.path(), rows).sha256);
        let reader = SerializedFileReader::new(finished.file).unwrap();
        let groups: Vec<i64> = reader
            .metadata()
            .row_groups()
            .iter()
            .map(parquet::file::metadata::RowGroupMetaData::num_rows)
            .collect();
        assert_eq!(groups, [i64::try_from(GROUP_ROWS).unwrap(), 20_000]);
        for (at, found) in (0..).zip(reader.get_row_iter(None).unwrap()) {
            let found: Vec<Field> = found.unwrap().get_column_iter().map(|(_, field)| field.clone()).collect();
            let expected = number(at).as_number().map_or(Field::Null, Field::Double);
            assert_eq!(found[2], Field::TimestampMicros(at * 1_000_000));
            assert_eq!(found[3], expected, "row {at}");
        }
    }

    #[test]
    fn a_wide_row_closes_its_group_by_its_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let long = "x".repeat(1024 * 1024);
        let rows = (0..40).map(|at| row(at, MetricValue::Text(long.as_str().into()))).collect();
        let reader = SerializedFileReader::new(file(dir.path(), rows).file).unwrap();
        assert!(reader.metadata().num_row_groups() >= 2);
    }
}
