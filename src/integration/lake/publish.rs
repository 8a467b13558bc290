//! A file into the lake: once, whole, and over nothing that is not to be replaced.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::path::Path;
use object_store::{CopyMode, CopyOptions, Error, MultipartUpload as _, ObjectStoreExt as _, PutMode, PutPayload};
use sha2::{Digest as _, Sha256};

use super::place::{Place, UPLOADS};
use super::table::{Finished, hex};
use crate::integration::{JobError, JobErrorKind};

/// Bytes of a part of an upload; the service wants 5 MiB at least, and 10,000 parts at most.
const PART: u64 = 8 * 1024 * 1024;
const PARTS_MAX: u64 = 10_000;

/// What became of the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Published {
    /// It was not there, now it is.
    Written,
    /// It was there with the same bytes.
    Unchanged,
    /// It was there with other bytes, which are gone.
    Replaced,
    /// It is there with other bytes, and stays.
    Different,
}

/// Puts the file where it belongs. Cut off at any point, the object is whole or not there; run again, it is there once.
pub(super) async fn publish(place: &Place, key: &str, file: &Arc<Finished>, replace: bool) -> Result<Published, JobError> {
    let to = place.path(key)?;
    match same(place, &to, file).await? {
        Some(true) => return Ok(Published::Unchanged),
        Some(false) if !replace => return Ok(Published::Different),
        Some(false) => {
            overwrite(place, &to, file).await?;
            return Ok(Published::Replaced);
        }
        None => {}
    }
    let created = if file.bytes <= place.single_put {
        let payload = read(file, 0, file.bytes).await?;
        place
            .store
            .put_opts(&to, PutPayload::from(payload), PutMode::Create.into())
            .await
            .map(drop)
    } else {
        aside(place, &to, file).await
    };
    match created {
        Ok(()) => Ok(Published::Written),
        // somebody was faster, or our own answer was lost and the call repeated; what is there decides
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) if exists(place, &to).await? => {
            match same(place, &to, file).await? {
                Some(true) => Ok(Published::Written),
                _ if replace => {
                    overwrite(place, &to, file).await?;
                    Ok(Published::Replaced)
                }
                _ => Ok(Published::Different),
            }
        }
        Err(error) => Err(place.failure("writing", &error)),
    }
}

async fn exists(place: &Place, to: &Path) -> Result<bool, JobError> {
    match place.store.head(to).await {
        Ok(_) => Ok(true),
        Err(Error::NotFound { .. }) => Ok(false),
        Err(error) => Err(place.failure("looking", &error)),
    }
}

/// Whether the object has the file's bytes; `None` where there is no object. Compared as a whole: no label is trusted.
async fn same(place: &Place, to: &Path, file: &Finished) -> Result<Option<bool>, JobError> {
    let head = match place.store.head(to).await {
        Ok(head) => head,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(place.failure("looking", &error)),
    };
    if head.size != file.bytes {
        return Ok(Some(false));
    }
    let reading = |error: &Error| place.failure("reading what is there", error);
    let mut body = match place.store.get(to).await {
        Ok(got) => got.into_stream(),
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(reading(&error)),
    };
    let mut hash = Sha256::new();
    while let Some(some) = body.try_next().await.map_err(|error| reading(&error))? {
        hash.update(&some);
    }
    Ok(Some(hex(&hash.finalize()) == file.sha256))
}

async fn overwrite(place: &Place, to: &Path, file: &Arc<Finished>) -> Result<(), JobError> {
    let written = if file.bytes <= place.single_put {
        let payload = read(file, 0, file.bytes).await?;
        place.store.put(to, PutPayload::from(payload)).await.map(drop)
    } else {
        upload(place, to, file).await
    };
    written.map_err(|error| place.failure("replacing", &error))
}

/// Uploads to a name of its own and copies from there if nothing is at the place yet. The name is made from the bytes: two
/// who upload the same do not disturb each other, and what one left behind the next takes away.
async fn aside(place: &Place, to: &Path, file: &Arc<Finished>) -> Result<(), Error> {
    let name = format!("{UPLOADS}/{}.part", file.sha256);
    let own = place.path(&name).map_err(|error| generic(error.to_string()))?;
    upload(place, &own, file).await?;
    let options = CopyOptions::new().with_mode(CopyMode::Create);
    let copied = place.store.copy_opts(&own, to, options).await;
    if let Err(error) = place.store.delete(&own).await {
        // it does no harm, and the next upload of the same bytes takes it away
        tracing::warn!(%error, "an unfinished upload stays behind");
    }
    copied
}

/// Part by part; the object appears when the last one is there.
async fn upload(place: &Place, to: &Path, file: &Arc<Finished>) -> Result<(), Error> {
    let part = PART.max(file.bytes.div_ceil(PARTS_MAX));
    let mut upload = place.store.put_multipart(to).await?;
    let parts = async {
        let mut at = 0;
        while at < file.bytes {
            let length = part.min(file.bytes - at);
            let payload = read(file, at, length).await.map_err(|error| generic(error.to_string()))?;
            upload.put_part(PutPayload::from(payload)).await?;
            at += length;
        }
        upload.complete().await.map(drop)
    };
    let result = parts.await;
    if result.is_err() {
        let _ = upload.abort().await; // the service drops parts by its own rule
    }
    result
}

async fn read(file: &Arc<Finished>, at: u64, length: u64) -> Result<Bytes, JobError> {
    let file = Arc::clone(file);
    let read = move || -> io::Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        let from: &File = &file.file;
        from.read_exact_at(&mut bytes, at)?;
        Ok(bytes.into())
    };
    let failed = |words: String| JobError::new(JobErrorKind::Store, format!("the day's file cannot be read back: {words}"));
    tokio::task::spawn_blocking(read)
        .await
        .map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))
}

fn generic(words: String) -> Error {
    Error::Generic {
        store: "lake",
        source: words.into(),
    }
}
