//! Rows on disk between being read and being written: the columns are known only when the last row has gone by.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::columns::Columns;
use crate::domain::{DeviceId, MetricValue, Reading, SafeText};
use crate::integration::{JobError, JobErrorKind};

const NUMBER: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const TEXT: u8 = 3;
const INTEGER: u8 = 4;

/// A file without a name: it is gone with the process, however that ends.
pub(super) fn nameless(folder: &Path) -> Result<File, JobError> {
    use rustix::fs::{CWD, Mode, OFlags, openat};
    let failed = |error: io::Error| {
        let words = format!(
            "{}: no temporary file can be made there: {error}; name another spool_dir",
            folder.display()
        );
        JobError::new(JobErrorKind::Store, words)
    };
    let mode = Mode::RUSR | Mode::WUSR;
    #[cfg(target_os = "linux")]
    match openat(CWD, folder, OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode) {
        Ok(file) => return Ok(File::from(file)),
        // not every file system can
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::ISDIR | rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(failed(error.into())),
    }
    let path: PathBuf = folder.join(format!(".nightdesk-{}-{:016x}", std::process::id(), fastrand::u64(..)));
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = openat(CWD, &path, flags, mode).map_err(|error| failed(error.into()))?;
    std::fs::remove_file(&path).map_err(failed)?;
    Ok(File::from(file))
}

/// Rows being collected.
pub(super) struct Spool {
    file: BufWriter<File>,
    folder: PathBuf,
    columns: Columns,
    devices: Vec<DeviceId>,
    rows: u64,
}

/// One row, its metrics by number.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Row {
    /// An index into the spool's devices.
    pub(super) device: u32,
    /// Microseconds since the epoch.
    pub(super) at: i64,
    /// Metrics that have a value.
    pub(super) values: Vec<(u16, MetricValue)>,
}

impl Spool {
    pub(super) fn new(folder: &Path) -> Result<Self, JobError> {
        Ok(Self {
            file: BufWriter::with_capacity(256 * 1024, nameless(folder)?),
            folder: folder.to_owned(),
            columns: Columns::default(),
            devices: Vec::new(),
            rows: 0,
        })
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Takes rows in, in the order in which they are to stand.
    pub(super) fn extend(&mut self, rows: Vec<Reading>) -> Result<(), JobError> {
        for row in rows {
            let Some(device) = row.device_id else { continue };
            if self.devices.last() != Some(&device) {
                self.devices.push(device);
            }
            let index = u32::try_from(self.devices.len() - 1).unwrap_or(u32::MAX);
            let mut values = Vec::with_capacity(row.values.len());
            for (metric, value) in &row.values {
                let Some(number) = self.columns.note(metric, value) else {
                    return Err(JobError::new(
                        JobErrorKind::Server,
                        format!(
                            "the devices have more than 4000 metrics, `{}` among them: that is no table",
                            metric.shown()
                        ),
                    ));
                };
                values.push((number, value));
            }
            self.write(index, row.timestamp.as_microsecond(), &values).map_err(|error| {
                let words = format!("{}: {error}; free space there or name another spool_dir", self.folder.display());
                JobError::new(JobErrorKind::Store, words)
            })?;
            self.rows += 1;
        }
        Ok(())
    }

    fn write(&mut self, device: u32, at: i64, values: &[(u16, &MetricValue)]) -> io::Result<()> {
        let file = &mut self.file;
        file.write_all(&device.to_le_bytes())?;
        file.write_all(&at.to_le_bytes())?;
        let count = values.iter().filter(|(_, value)| **value != MetricValue::Null).count();
        file.write_all(&u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes())?;
        for (number, value) in values {
            let tag = match value {
                MetricValue::Null => continue,
                MetricValue::Number(_) => NUMBER,
                MetricValue::Integer(_) => INTEGER,
                MetricValue::Bool(flag) => {
                    if *flag {
                        TRUE
                    } else {
                        FALSE
                    }
                }
                MetricValue::Text(_) => TEXT,
            };
            file.write_all(&number.to_le_bytes())?;
            file.write_all(&[tag])?;
            match value {
                MetricValue::Number(number) => file.write_all(&number.to_le_bytes())?,
                MetricValue::Integer(number) => file.write_all(&number.to_le_bytes())?,
                MetricValue::Text(text) => {
                    let bytes = text.raw().as_bytes();
                    file.write_all(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes())?;
                    file.write_all(bytes)?;
                }
                MetricValue::Null | MetricValue::Bool(_) => {}
            }
        }
        Ok(())
    }

    /// Ends the collecting: the columns are known, the rows can be read back.
    pub(super) fn finish(self) -> io::Result<(Columns, Vec<DeviceId>, Rows)> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(0))?;
        let rows = Rows {
            file: BufReader::with_capacity(256 * 1024, file),
            left: self.rows,
        };
        Ok((self.columns, self.devices, rows))
    }
}

/// The rows of a spool, read back once.
pub(super) struct Rows {
    file: BufReader<File>,
    left: u64,
}

impl Rows {
    /// Reads the next row into `row`; false at the end.
    pub(super) fn next(&mut self, row: &mut Row) -> io::Result<bool> {
        if self.left == 0 {
            return Ok(false);
        }
        self.left -= 1;
        row.values.clear();
        row.device = u32::from_le_bytes(self.bytes()?);
        row.at = i64::from_le_bytes(self.bytes()?);
        let count = u16::from_le_bytes(self.bytes()?);
        for _ in 0..count {
            let number = u16::from_le_bytes(self.bytes()?);
            let [tag] = self.bytes()?;
            let value = match tag {
                NUMBER => MetricValue::Number(f64::from_le_bytes(self.bytes()?)),
                FALSE => MetricValue::Bool(false),
                TRUE => MetricValue::Bool(true),
                INTEGER => MetricValue::Integer(i128::from_le_bytes(self.bytes()?)),
                _ => {
                    let length = usize::try_from(u32::from_le_bytes(self.bytes()?)).map_err(io::Error::other)?;
                    let mut text = vec![0; length];
                    self.file.read_exact(&mut text)?;
                    MetricValue::Text(SafeText::new(String::from_utf8(text).map_err(io::Error::other)?))
                }
            };
            row.values.push((number, value));
        }
        Ok(true)
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in_and_leave_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path()).unwrap();
        let row = |device: &str, second: i64, values: &[(&str, MetricValue)]| Reading {
            device_id: Some(device.into()),
            timestamp: jiff::Timestamp::from_second(second).unwrap(),
            values: values.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
        };
        let text = MetricValue::Text("ünten\u{0}".into());
        spool
            .extend(vec![
                row("A", 1, &[("a", MetricValue::Number(-0.5)), ("b", MetricValue::Null)]),
                row("A", 2, &[("b", text.clone())]),
            ])
            .unwrap();
        let long = MetricValue::Integer(i128::from(u64::MAX));
        spool
            .extend(vec![row("B", -1, &[("c", MetricValue::Bool(true)), ("d", long.clone())])])
            .unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let (columns, devices, mut rows) = spool.finish().unwrap();
        assert_eq!(devices, ["A".into(), "B".into()]);
        assert_eq!(columns.settle().0.len(), 4);
        let mut found = Vec::new();
        let mut one = Row::default();
        while rows.next(&mut one).unwrap() {
            found.push(std::mem::take(&mut one));
        }
        assert_eq!(
            found,
            [
                Row {
                    device: 0,
                    at: 1_000_000,
                    values: vec![(0, MetricValue::Number(-0.5))]
                },
                Row {
                    device: 0,
                    at: 2_000_000,
                    values: vec![(1, text)]
                },
                Row {
                    device: 1,
                    at: -1_000_000,
                    values: vec![(2, MetricValue::Bool(true)), (3, long)]
                },
            ]
        );
    }
}
