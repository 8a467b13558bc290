//! Reads rows out of a damaged database without SQLite: table leaf pages of the file and of its write-ahead log.
//!
//! Rows and audit entries carry their own hashes, so that whatever decodes and matches is good, wherever it lay. The
//! format: <https://www.sqlite.org/fileformat2.html>.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rusqlite::types::Value;

use super::audit::{self, Record};
use super::schema::PAGE_BYTES;
use super::stored::{self, Stored};

/// What was found, in several versions each, good and bad.
#[derive(Debug, Default)]
pub(super) struct Carved {
    pub(super) rows: Vec<Stored>,
    pub(super) audit: Vec<Record>,
    pub(super) identity: Option<String>,
}

/// A payload larger than this is damage: intents and bodies are bounded far below.
const PAYLOAD_MAX: usize = 8 * 1024 * 1024;
const WAL_HEADER: u64 = 32;
const FRAME_HEADER: u64 = 24;

/// Reads all of it; absent files are empty.
pub(super) fn carve(database: &Path, wal: &Path) -> std::io::Result<Carved> {
    let mut pages = Pages::open(database, wal)?;
    let mut carved = Carved::default();
    for number in 1..=pages.page_count {
        if let Some(page) = pages.stored(number)? {
            read_leaf(&page, number, &mut pages, &mut carved);
        }
    }
    for (number, offset) in pages.frames.clone() {
        if let Some(page) = pages.frame(offset)? {
            read_leaf(&page, number, &mut pages, &mut carved);
        }
    }
    Ok(carved)
}

struct Pages {
    database: Option<File>,
    page_count: u32,
    wal: Option<File>,
    /// Page number and place, in the order of writing.
    frames: Vec<(u32, u64)>,
    latest: HashMap<u32, u64>,
}

impl Pages {
    fn open(database: &Path, wal: &Path) -> std::io::Result<Self> {
        let database = open(database)?;
        let mut wal = open(wal)?;
        let page = PAGE_BYTES as u64;
        let length = database.as_ref().map_or(Ok(0), |file| file.metadata().map(|found| found.len()))?;
        let mut frames = Vec::new();
        if let Some(file) = &mut wal {
            let length = file.metadata()?.len();
            let mut offset = WAL_HEADER;
            while offset + FRAME_HEADER + page <= length {
                let mut number = [0_u8; 4];
                file.seek(SeekFrom::Start(offset))?;
                file.read_exact(&mut number)?;
                frames.push((u32::from_be_bytes(number), offset + FRAME_HEADER));
                offset += FRAME_HEADER + page;
            }
        }
        Ok(Self {
            database,
            page_count: u32::try_from(length / page).unwrap_or(u32::MAX),
            wal,
            latest: frames.iter().copied().collect(),
            frames,
        })
    }

    fn stored(&mut self, number: u32) -> std::io::Result<Option<Vec<u8>>> {
        if number == 0 || number > self.page_count {
            return Ok(None);
        }
        let offset = u64::from(number - 1) * PAGE_BYTES as u64;
        self.database.as_mut().map(|file| read_page(file, offset)).transpose()
    }

    fn frame(&mut self, offset: u64) -> std::io::Result<Option<Vec<u8>>> {
        self.wal.as_mut().map(|file| read_page(file, offset)).transpose()
    }

    /// The page as the log has it last, else as the file has it.
    fn current(&mut self, number: u32) -> Option<Vec<u8>> {
        match self.latest.get(&number).copied() {
            Some(offset) => self.frame(offset),
            None => self.stored(number),
        }
        .ok()
        .flatten()
    }
}

fn open(path: &Path) -> std::io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn read_page(file: &mut File, offset: u64) -> std::io::Result<Vec<u8>> {
    let mut page = vec![0_u8; PAGE_BYTES];
    file.seek(SeekFrom::Start(offset))?;
    file.read_exact(&mut page)?;
    Ok(page)
}

fn read_leaf(page: &[u8], number: u32, pages: &mut Pages, carved: &mut Carved) {
    const TABLE_LEAF: u8 = 0x0d;
    let header = if number == 1 { 100 } else { 0 };
    if page.get(header) != Some(&TABLE_LEAF) {
        return;
    }
    let Some(count) = be16(page, header + 3) else { return };
    for index in 0..usize::from(count) {
        let Some(pointer) = be16(page, header + 8 + 2 * index) else {
            return;
        };
        if let Some((id, values)) = read_cell(page, usize::from(pointer), pages) {
            keep(id, values, carved);
        }
    }
}

fn keep(id: i64, values: Vec<Value>, carved: &mut Carved) {
    if values.len() == stored::COLUMN_COUNT {
        carved.rows.extend(Stored::from_values(id, values));
    } else if values.len() == audit::COLUMN_COUNT {
        carved.audit.extend(Record::from_values(id, values));
    } else if let [Value::Text(name), Value::Text(value)] = values.as_slice()
        && name == "identity"
    {
        carved.identity = Some(value.clone());
    }
}

fn read_cell(page: &[u8], at: usize, pages: &mut Pages) -> Option<(i64, Vec<Value>)> {
    let (length, at) = varint(page, at)?;
    let (id, at) = varint(page, at)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= PAYLOAD_MAX)?;
    // how much lies on the page itself: the format's own arithmetic, for pages without reserved bytes
    let most = PAGE_BYTES - 35;
    let least = (PAGE_BYTES - 12) * 32 / 255 - 23;
    let local = if length <= most {
        length
    } else {
        let wanted = least + (length - least) % (PAGE_BYTES - 4);
        if wanted <= most { wanted } else { least }
    };
    let mut payload = page.get(at..at + local)?.to_vec();
    let mut next = if local < length { be32(page, at + local)? } else { 0 };
    while payload.len() < length {
        let overflow = pages.current(next)?;
        next = be32(&overflow, 0)?;
        let rest = (length - payload.len()).min(PAGE_BYTES - 4);
        payload.extend_from_slice(overflow.get(4..4 + rest)?);
    }
    Some((id, read_record(&payload)?))
}

fn read_record(payload: &[u8]) -> Option<Vec<Value>> {
    let (header, mut at) = varint(payload, 0)?;
    let header = usize::try_from(header).ok()?;
    let mut body = header;
    let mut values = Vec::new();
    while at < header {
        let (serial, next) = varint(payload, at)?;
        at = next;
        let (value, length) = read_value(payload, body, serial)?;
        body += length;
        values.push(value);
    }
    Some(values)
}

fn read_value(payload: &[u8], at: usize, serial: i64) -> Option<(Value, usize)> {
    let integer = |length: usize| {
        let bytes = payload.get(at..at + length)?;
        let negative = bytes.first()? & 0x80 != 0;
        let value = bytes
            .iter()
            .fold(if negative { -1_i64 } else { 0 }, |value, byte| (value << 8) | i64::from(*byte));
        Some((Value::Integer(value), length))
    };
    match serial {
        0 => Some((Value::Null, 0)),
        1..=4 => integer(usize::try_from(serial).ok()?),
        5 => integer(6),
        6 => integer(8),
        7 => Some((Value::Real(f64::from_be_bytes(payload.get(at..at + 8)?.try_into().ok()?)), 8)),
        8 => Some((Value::Integer(0), 0)),
        9 => Some((Value::Integer(1), 0)),
        12.. => {
            let length = usize::try_from((serial - 12) / 2).ok()?;
            let bytes = payload.get(at..at.checked_add(length)?)?.to_vec();
            let value = if serial % 2 == 0 {
                Value::Blob(bytes)
            } else {
                Value::Text(String::from_utf8(bytes).ok()?)
            };
            Some((value, length))
        }
        _ => None,
    }
}

fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut value = 0_i64;
    for index in 0..9 {
        let byte = *bytes.get(at + index)?;
        if index == 8 {
            return Some(((value << 8) | i64::from(byte), at + 9));
        }
        value = (value << 7) | i64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((value, at + index + 1));
        }
    }
    None
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_size_come_out_as_sqlite_wrote_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let connection = rusqlite::Connection::open(&path).unwrap();
        connection
            .execute_batch("PRAGMA page_size = 4096; CREATE TABLE meta (name TEXT, value)")
            .unwrap();
        for length in [0_usize, 1, 127, 128, 4000, 4060, 4061, 4062, 4100, 9000, 100_000] {
            connection.execute("DELETE FROM meta", []).unwrap();
            connection
                .execute("INSERT INTO meta VALUES ('identity', ?1)", ["x".repeat(length)])
                .unwrap();
            let carved = carve(&path, &folder.path().join("none")).unwrap();
            assert_eq!(carved.identity.map(|found| found.len()), Some(length));
        }
    }

    #[test]
    fn integers_keep_their_sign() {
        for (bytes, serial, value) in [
            (&[0xff_u8][..], 1, -1_i64),
            (&[0x01, 0x00], 2, 256),
            (&[0xff, 0xff, 0x00], 3, -256),
            (&[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff], 5, 0x7fff_ffff_ffff),
        ] {
            assert_eq!(read_value(bytes, 0, serial), Some((Value::Integer(value), bytes.len())));
        }
    }
}
