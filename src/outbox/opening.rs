//! Opening: who else is here, is this the outbox we know, is it whole; and what has to be looked up first.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _};

use super::anchor::{Anchor, AnchorFile};
use super::directory::{Directory, open_private, read_private, replace_private};
use super::journal::{Journal, REPAIRED, last_id, meta, put_meta, set_last_id};
use super::lock::FileLock;
use super::salvage::{self, Recovery};
use super::stored::{COLUMNS, Stored};
use super::{OpenOptions, OutboxError, RowFilter, audit, crash, schema};
use crate::domain::{IntentState, OutboxId, OutboxRow, hex};

/// An open journal and what its opening found.
pub(super) struct Opened {
    pub(super) journal: Journal,
    pub(super) recovery: Option<Recovery>,
    /// Open rows that an earlier run left behind; empty where another process is still at work on them.
    pub(super) recovered: Vec<OutboxRow>,
}

/// Opens or creates the outbox of a directory. Blocks.
pub(super) fn open(path: &Path, options: OpenOptions) -> Result<Opened, OutboxError> {
    let directory = Directory::prepare(path)?;
    let _opening = patiently(|| FileLock::exclusive(&directory.opening_lock()))?;
    let (users, alone) = match FileLock::exclusive(&directory.users_lock())? {
        Some(lock) => (lock, true),
        None => (patiently(|| FileLock::shared(&directory.users_lock()))?, false),
    };
    if let Some(found) = schema::version_in_header(&directory.database())
        && found > schema::VERSION
    {
        return Err(OutboxError::NewerSchema {
            path: directory.database(),
            found,
            known: schema::VERSION,
        });
    }
    let anchor = AnchorFile::new(options.anchor.clone().unwrap_or_else(|| directory.anchor()));
    let mut identity = read_private(&directory.identity(), 256)?
        .map(|text| text.trim().to_owned())
        .filter(|text| is_identity(text));
    let mut recovery = None;
    if alone {
        if let Err(error) = directory.keep_log() {
            tracing::warn!(%error, "the log could not be kept while the outbox is looked at");
        }
        recovery = salvage::finish(&directory, &anchor, options.clock.millis())?;
    }

    let mut connection = match examine(&directory, &anchor, &mut identity, &options)? {
        Examined::Whole(connection) => connection,
        Examined::Damaged(problem) if !alone => {
            return Err(OutboxError::DamagedInUse {
                path: directory.database(),
                problem,
            });
        }
        Examined::Damaged(problem) => {
            recovery = Some(salvage::salvage(&directory, &anchor, &mut identity, &options, &problem)?);
            schema::connect(&directory.database(), options.busy_timeout)?
        }
    };
    schema::migrate(&mut connection)?;
    let mut journal = Journal {
        connection,
        identity: identity.unwrap_or_else(new_identity),
        anchor,
        told: 0,
        data_version: 0,
        ended_since_trim: 0,
        files: Vec::new(),
        users,
        options,
        directory,
    };
    if alone
        && recovery.is_none()
        && journal.directory.kept_log().exists()
        && let Some(problem) = journal.went_back()?
    {
        let (salvaged, again) = journal.salvaged(&problem)?;
        recovery = Some(salvaged);
        journal = again;
    }
    let (rolled_back, recovered) = match journal.settle(alone) {
        // found only now, by use: what the check of the structure cannot see
        Err(OutboxError::Damaged(problem)) if alone && recovery.is_none() => {
            let (salvaged, mut again) = journal.salvaged(&problem)?;
            recovery = Some(salvaged);
            let settled = again.settle(alone)?;
            journal = again;
            settled
        }
        settled => settled?,
    };
    let mut recovery = rolled_back.or(recovery);
    if alone {
        let _ = std::fs::remove_file(journal.directory.kept_log()); // there is none: fine
        // a repair whose program ended before anybody could be told of it
        recovery = recovery.or(salvage::untold(&journal.connection)?);
        if recovery.is_some()
            && let Err(error) = journal.write(|write| salvage::tell(&write.transaction))
        {
            tracing::warn!(%error, "the repair will be told of once more");
        }
        journal.users.share(&journal.directory.users_lock())?;
    }
    Ok(Opened {
        journal,
        recovery,
        recovered,
    })
}

enum Examined {
    Whole(Connection),
    Damaged(String),
}

/// Looks whether this is our database and whole; creates it where there never was one.
fn examine(
    directory: &Directory,
    anchor: &AnchorFile,
    identity: &mut Option<String>,
    options: &OpenOptions,
) -> Result<Examined, OutboxError> {
    let database = directory.database();
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    let anchored = anchor.read()?;
    if length(&database) == 0 {
        let [_, wal, _] = directory.set();
        if anchored.is_some() || length(&wal) > 0 {
            return Ok(Examined::Damaged("the database is missing or empty".to_owned()));
        }
        drop(open_private(&database)?);
    } else if let Err(problem) = header_is_sound(&database) {
        return Ok(Examined::Damaged(problem));
    }
    let connection = match schema::connect(&database, options.busy_timeout) {
        Ok(connection) => connection,
        Err(OutboxError::Damaged(problem)) => return Ok(Examined::Damaged(problem)),
        Err(error) => return Err(error),
    };
    let found = match look_inside(&connection) {
        Ok(found) => found,
        Err(error @ (OutboxError::Busy | OutboxError::DiskFull | OutboxError::ReadOnly)) => return Err(error),
        Err(OutboxError::Damaged(problem)) => return Ok(Examined::Damaged(problem)),
        Err(error) => return Ok(Examined::Damaged(error.to_string())),
    };
    match (found, identity.as_deref(), anchored) {
        (None, _, Some(_)) => Ok(Examined::Damaged("the database is empty".to_owned())),
        (None, _, None) => Ok(Examined::Whole(connection)),
        (Some(found), Some(known), anchored) if found != known => {
            // a garbled identity file beside a database that the anchor knows is repaired; another database is not ours
            let ours = match anchored {
                Some(anchor) => entry_hash(&connection, anchor.seq)?.is_some_and(|hash| hash == anchor.hash),
                None => false,
            };
            if !ours {
                return Ok(Examined::Damaged("the database belongs to another outbox".to_owned()));
            }
            replace_private(&directory.identity(), found.as_bytes(), true)?;
            *identity = Some(found);
            Ok(Examined::Whole(connection))
        }
        (Some(found), _, _) => {
            *identity = Some(found);
            Ok(Examined::Whole(connection))
        }
    }
}

/// Checks the structure and answers the identity inside, `None` in a database that was never finished.
fn look_inside(connection: &Connection) -> Result<Option<String>, OutboxError> {
    schema::check(connection)?;
    if schema::user_version(connection)? == 0 {
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        return if tables == 0 {
            Ok(None)
        } else {
            Err(OutboxError::Damaged("the schema's version is wrong".to_owned()))
        };
    }
    let lanes: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'lane'", [], |row| row.get(0))?;
    if (schema::user_version(connection)? >= 2) != (lanes > 0) {
        return Err(OutboxError::Damaged("the schema's version is wrong".to_owned()));
    }
    // every statement that will be used must fit the tables that are there
    connection.prepare(&format!("SELECT {COLUMNS} FROM intent"))?;
    connection.prepare(&format!("SELECT {} FROM audit", audit::COLUMNS))?;
    connection.prepare("SELECT row_id, number, owner_epoch, begun_at, ended_at, outcome, detail FROM attempt")?;
    audit::tail(connection, "")?;
    for name in ["epoch", "change"] {
        meta(connection, name)?;
    }
    Ok(connection
        .query_row("SELECT value FROM meta WHERE name = 'identity'", [], |row| row.get(0))
        .optional()?)
}

/// The fields of the header that never change in our databases.
fn header_is_sound(path: &Path) -> Result<(), String> {
    use std::io::Read as _;
    let mut header = [0_u8; 100];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    let fixed: [(usize, &[u8]); 6] = [
        (0, b"SQLite format 3\0"),
        (16, &[0x10, 0x00]), // 4,096 bytes a page
        (20, &[0, 64, 32, 32]),
        (52, &[0; 4]), // no auto-vacuum
        (68, &[0; 4]),
        (72, &[0; 20]),
    ];
    let sound = read.is_ok()
        && fixed.iter().all(|(at, bytes)| header.get(*at..at + bytes.len()) == Some(*bytes))
        && matches!(header.get(18..20), Some([1 | 2, 1 | 2]))
        && matches!(header.get(44..48), Some([0, 0, 0, 0 | 4]))
        && matches!(header.get(56..60), Some([0, 0, 0, 0 | 1]));
    if sound {
        Ok(())
    } else {
        Err("the database's header is damaged".to_owned())
    }
}

fn entry_hash(connection: &Connection, seq: i64) -> Result<Option<String>, OutboxError> {
    Ok(connection
        .query_row("SELECT hash FROM audit WHERE seq = ?1", [seq], |row| row.get::<_, Vec<u8>>(0))
        .optional()?
        .map(|hash| hex(&hash)))
}

impl Journal {
    /// Names, compares, repairs. Answers what had gone back in time, and the open rows of an earlier run.
    fn settle(&mut self, alone: bool) -> Result<(Option<Recovery>, Vec<OutboxRow>), OutboxError> {
        self.name_itself()?;
        let known = self.anchor.read()?.unwrap_or_default();
        let tail_before = audit::tail(&self.connection, &self.identity)?.0;
        let rolled_back = self.compare_with_anchor()?;
        if alone {
            match self.repair(rolled_back.as_deref()).and_then(|()| self.trim()) {
                // with a full disk the console still opens; the sender repeats this before it sends anything
                Err(error @ (OutboxError::DiskFull | OutboxError::ReadOnly | OutboxError::Busy)) if rolled_back.is_none() => {
                    tracing::warn!(%error, "the outbox could not be tidied up");
                }
                repaired => {
                    repaired?;
                }
            }
        }
        let mut recovery = None;
        if let Some(reason) = rolled_back {
            let last_id = last_id(&self.connection)?;
            let found = Recovery {
                reason,
                salvaged: self.counts()?.open(),
                lost: u64::try_from(known.last_id - last_id).unwrap_or(0),
                audit_lost: u64::try_from(known.seq - tail_before).unwrap_or(0),
                moved_to: None,
            };
            if alone {
                self.write(|write| {
                    set_last_id(&write.transaction, known.last_id)?;
                    found.remember(&write.transaction)
                })?;
                let (seq, hash) = audit::tail(&self.connection, &self.identity)?;
                self.anchor.reset(&Anchor {
                    seq,
                    hash: hex(&hash),
                    last_id: last_id.max(known.last_id),
                })?;
            }
            recovery = Some(found);
        }
        self.changed_elsewhere()?;
        self.told = self.meta("change")?;
        self.files = self.files_now();
        let recovered = if alone { self.list(&RowFilter::open())? } else { Vec::new() };
        Ok((recovery, recovered))
    }

    /// Salvages a database that turned out to be damaged after it had been opened.
    fn salvaged(self, problem: &str) -> Result<(Recovery, Self), OutboxError> {
        let Self {
            connection,
            identity,
            anchor,
            users,
            options,
            directory,
            ..
        } = self;
        drop(connection);
        let mut identity = Some(identity);
        let recovery = salvage::salvage(&directory, &anchor, &mut identity, &options, problem)?;
        let mut connection = schema::connect(&directory.database(), options.busy_timeout)?;
        schema::migrate(&mut connection)?;
        let journal = Self {
            connection,
            identity: identity.unwrap_or_else(new_identity),
            anchor,
            told: 0,
            data_version: 0,
            ended_since_trim: 0,
            files: Vec::new(),
            users,
            options,
            directory,
        };
        Ok((recovery, journal))
    }

    /// Gives a new database its identity, outside first: killed in between, the next start goes on from there.
    fn name_itself(&mut self) -> Result<(), OutboxError> {
        let outside = read_private(&self.directory.identity(), 256)?;
        if outside.as_deref().map(str::trim) != Some(self.identity.as_str()) {
            replace_private(&self.directory.identity(), self.identity.as_bytes(), true)?;
            self.directory.sync()?;
        }
        let identity = self.identity.clone();
        let named: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE name = 'identity'", [], |row| row.get(0))
            .optional()?;
        if named.is_none() {
            self.write(|write| {
                write
                    .transaction
                    .execute("INSERT INTO meta (name, value) VALUES ('identity', ?1)", [&identity])?;
                write.audit("created", None, (None, None), Some(format!("outbox {identity}")))
            })?;
        }
        Ok(())
    }

    /// Answers what is wrong where the anchor knows more than the database: it went back in time (a lost log, an old copy).
    fn compare_with_anchor(&mut self) -> Result<Option<String>, OutboxError> {
        let anchor = self.anchor.read()?;
        let (seq, hash) = audit::tail(&self.connection, &self.identity)?;
        let Some(anchor) = anchor else {
            let last_id = last_id(&self.connection)?;
            if seq > 1 {
                self.write(|write| write.audit(audit::LOST, None, (None, None), Some("the anchor was missing".to_owned())))?;
            } else {
                self.anchor.reset(&Anchor {
                    seq,
                    hash: hex(&hash),
                    last_id,
                })?;
            }
            return Ok(None);
        };
        self.older_than(&anchor)
    }

    /// The same, where there is an anchor at all, and without a change.
    fn went_back(&self) -> Result<Option<String>, OutboxError> {
        match self.anchor.read()? {
            Some(anchor) => self.older_than(&anchor),
            None => Ok(None),
        }
    }

    fn older_than(&self, anchor: &Anchor) -> Result<Option<String>, OutboxError> {
        let (seq, _) = audit::tail(&self.connection, &self.identity)?;
        if anchor.seq > seq {
            return Ok(Some(format!(
                "the database is older than its audit's anchor: {} entries are missing",
                anchor.seq - seq
            )));
        }
        if entry_hash(&self.connection, anchor.seq)?.is_none_or(|hash| hash != anchor.hash) {
            return Ok(Some("the audit's end is not the one that the anchor knows".to_owned()));
        }
        Ok(None)
    }

    /// Nobody else is here: what was on its way is in doubt, and so is everything in a database that went back in time.
    fn repair(&mut self, rolled_back: Option<&str>) -> Result<(), OutboxError> {
        let mut unsound = Vec::new();
        let mut queued = Vec::new();
        let mut sending = false;
        {
            let mut statement = self.connection.prepare(&format!(
                "SELECT {COLUMNS} FROM intent NOT INDEXED WHERE state NOT IN ('delivered', 'superseded', 'cancelled', 'damaged')"
            ))?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                match Stored::read(row)? {
                    Ok(stored) if stored.is_sealed(&self.identity) && stored.to_shipment().is_some() => match stored.state() {
                        Some(IntentState::Queued) if rolled_back.is_some() => queued.push(stored),
                        Some(IntentState::Sending) => sending = true,
                        Some(_) => {}
                        None => unsound.push(stored.id),
                    },
                    // parked for that before, by this very repair
                    Ok(stored) if stored.seal == stored.seal_of() && stored.state() == Some(IntentState::Parked) => {}
                    Ok(stored) => unsound.push(stored.id),
                    Err(damaged) => unsound.push(damaged.id),
                }
            }
        }
        if !sending && unsound.is_empty() && queued.is_empty() && rolled_back.is_none() {
            return Ok(());
        }
        self.write(|write| {
            for id in unsound {
                write.park_damaged(OutboxId(id))?;
            }
            for stored in queued {
                let why = "the database had gone back in time: it is looked up before anything is sent";
                write.force(stored, IntentState::InDoubt, "recovered", why)?;
            }
            write.doubt_sending(None, "the program ended while it was on its way")?;
            if let Some(why) = rolled_back {
                let epoch = meta(&write.transaction, "epoch")?;
                put_meta(&write.transaction, REPAIRED, epoch)?;
                write.audit(audit::LOST, None, (None, None), Some(why.to_owned()))?;
            }
            crash::point("repair-commit");
            Ok(())
        })
    }
}

/// A new identity: not a secret, only unlike any other.
pub(super) fn new_identity() -> String {
    format!("{:032x}", fastrand::u128(..))
}

fn is_identity(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Locks of opening are held for moments; a holder that was stopped in that moment must not stop everybody for good.
fn patiently(mut attempt: impl FnMut() -> Result<Option<FileLock>, OutboxError>) -> Result<FileLock, OutboxError> {
    for _ in 0..400 {
        if let Some(lock) = attempt()? {
            return Ok(lock);
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    Err(OutboxError::Busy)
}
