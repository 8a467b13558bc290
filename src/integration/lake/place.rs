//! Where the lake is: a bucket, a folder, or memory.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, S3ConditionalPut, S3CopyIfNotExists};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use secrecy::ExposeSecret as _;
use url::Url;

use super::https::{Connector, Iam, client, deepest, kind_of};
use super::record::Recorded;
use crate::config::{Env, Lake, LakeAuth};
use crate::integration::{JobError, JobErrorKind};
use crate::maximo::{Telemetry, is_loopback};

/// Where unfinished uploads are, below the prefix. Spark and Hive leave names with an underscore alone.
pub(super) const UPLOADS: &str = "_nightdesk_uploads";
/// No upload takes so long.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);
/// Where no region is said and the endpoint's name has none.
const REGION: &str = "us-east-1";

/// An open lake.
#[derive(Clone, Debug)]
pub struct Place {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The bucket, or the folder.
    pub(super) bucket: String,
    prefix: Path,
    /// `s3://bucket/prefix`, for sentences.
    shown: String,
    /// Larger objects go through a name of their own.
    pub(super) single_put: u64,
}

impl Place {
    /// Any store, for tests.
    pub fn of(store: Arc<dyn ObjectStore>, bucket: &str, single_put: u64) -> Self {
        Self {
            store,
            bucket: bucket.to_owned(),
            prefix: Path::default(),
            shown: bucket.to_owned(),
            single_put,
        }
    }

    /// Opens `s3://bucket/prefix` with what the profile's section says of it, or `file:///folder`. Reads credentials, calls no server.
    pub async fn open(to: &Url, lake: Option<&Lake>, env: &Env, telemetry: &Telemetry) -> Result<Self, JobError> {
        match to.scheme() {
            "file" => Self::folder(to),
            "s3" => Self::bucket(to, lake, env, telemetry).await,
            other => Err(JobError::new(
                JobErrorKind::Configuration,
                format!("`{other}:` is no place for a lake; write s3://bucket/prefix or file:///folder"),
            )),
        }
    }

    fn folder(to: &Url) -> Result<Self, JobError> {
        let wrong = |kind, words: String| JobError::new(kind, format!("{to}: {words}"));
        let path = to.to_file_path().map_err(|()| {
            wrong(
                JobErrorKind::Configuration,
                "is no folder of this machine; write file:///folder".into(),
            )
        })?;
        std::fs::create_dir_all(&path).map_err(|error| wrong(JobErrorKind::Store, format!("the folder cannot be made: {error}")))?;
        sweep(&path.join(UPLOADS));
        let store = LocalFileSystem::new_with_prefix(&path).map_err(|error| wrong(JobErrorKind::Store, deepest(&error)))?;
        Ok(Self {
            store: Arc::new(store.with_fsync(true).with_automatic_cleanup(true)),
            bucket: path.display().to_string(),
            prefix: Path::default(),
            shown: to.to_string(),
            single_put: 0, // what is half written stays out of the readers' sight
        })
    }

    async fn bucket(to: &Url, lake: Option<&Lake>, env: &Env, telemetry: &Telemetry) -> Result<Self, JobError> {
        let wrong = |words: &str| JobError::new(JobErrorKind::Configuration, format!("{to}: {words}"));
        let bucket = to.host_str().filter(|bucket| !bucket.is_empty());
        let bucket = bucket.ok_or_else(|| wrong("has no bucket; write s3://bucket/prefix"))?;
        let plain = |segment: &str| !segment.contains('%') && !segment.is_empty();
        let prefix = to.path().trim_matches('/');
        if !(prefix.is_empty() || prefix.split('/').all(plain)) || to.query().is_some() || to.fragment().is_some() {
            return Err(wrong("the prefix holds a character that has to be escaped; take another"));
        }
        let prefix = Path::parse(prefix).map_err(|error| wrong(&error.to_string()))?;
        let settings = "its service is not known; add endpoint and access_key_*, secret_key_* or iam_key_* to [profiles.*.lake]";
        let (Some(lake), Some(endpoint)) = (lake, lake.and_then(|lake| lake.endpoint.as_ref())) else {
            return Err(wrong(settings));
        };
        let auth = lake.auth.as_ref().ok_or_else(|| wrong(settings))?;
        let ca_pem = match &lake.ca_file {
            None => None,
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                JobError::new(
                    JobErrorKind::Configuration,
                    format!("ca_file: {} cannot be read: {error}", path.display()),
                )
            })?),
        };
        let client = client(ca_pem.as_deref(), is_loopback(endpoint))?;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_region(lake.region.clone().unwrap_or_else(|| region(endpoint)))
            .with_virtual_hosted_style_request(false) // bucket names with dots have no certificate
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_copy_if_not_exists(S3CopyIfNotExists::Multipart)
            .with_retry(RetryConfig {
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(200),
                    max_backoff: Duration::from_secs(5),
                    base: 2.0,
                },
                max_retries: 3,
                retry_timeout: Duration::from_secs(60),
            });
        let mut iam = None;
        match auth {
            LakeAuth::Hmac { access_key, secret_key } => {
                builder = builder
                    .with_access_key_id(access_key.read(env).await?.expose_secret())
                    .with_secret_access_key(secret_key.read(env).await?.expose_secret());
            }
            LakeAuth::Iam {
                key,
                url,
                service_instance_id,
            } => {
                let key = key.read(env).await?;
                iam = Some(Arc::new(Iam::new(
                    client.clone(),
                    url.clone(),
                    key,
                    service_instance_id.as_deref(),
                    telemetry.clone(),
                )));
                builder = builder.with_skip_signature(true);
            }
        }
        let store = builder
            .with_http_connector(Connector {
                client: Recorded::new(client, telemetry.clone()),
                iam,
            })
            .build()
            .map_err(|error| wrong(&deepest(&error)))?;
        Ok(Self {
            store: Arc::new(store),
            bucket: bucket.to_owned(),
            prefix,
            shown: to.to_string().trim_end_matches('/').to_owned(),
            single_put: lake.single_put_mib * 1024 * 1024,
        })
    }

    /// The whole name of an object below the lake's prefix.
    pub(super) fn path(&self, key: &str) -> Result<Path, JobError> {
        let whole = if self.prefix.as_ref().is_empty() {
            key.to_owned()
        } else {
            format!("{}/{key}", self.prefix)
        };
        Path::parse(&whole).map_err(|error| JobError::new(JobErrorKind::Configuration, format!("{whole}: {error}")))
    }

    /// A failure of the store as one sentence.
    pub(super) fn failure(&self, doing: &str, error: &object_store::Error) -> JobError {
        use object_store::Error as E;
        // to a HEAD there is a status without words
        let bare = |words: String| match words.strip_prefix("Server returned non-2xx status code: ") {
            Some(status) => status.trim_end_matches([':', ' ']).to_owned(),
            None => words,
        };
        let words = answer_words(&error.to_string()).unwrap_or_else(|| bare(deepest(error)));
        let (kind, remedy) = match error {
            E::NotFound { .. } => (JobErrorKind::Refused, "; is the bucket there, and spelt like this?"),
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => (
                JobErrorKind::Credentials,
                "; check the keys of [profiles.*.lake] and their rights on the bucket",
            ),
            E::AlreadyExists { .. } | E::Precondition { .. } => (JobErrorKind::Refused, "; another writer is at it: run it again"),
            E::NotImplemented { .. } | E::NotSupported { .. } => (JobErrorKind::Refused, "; the service cannot do what a safe write needs"),
            _ if self.single_put == 0 => (JobErrorKind::Store, ""),
            _ => match kind_of(error) {
                JobErrorKind::Tls => (
                    JobErrorKind::Tls,
                    "; if it is the plant's own authority, name its file as ca_file in [profiles.*.lake]",
                ),
                kind => (kind, ""),
            },
        };
        JobError::new(kind, format!("{}: {doing} failed: {words}{remedy}", self.shown))
    }
}

/// Takes away what killed uploads left in a folder a day ago and earlier. In a bucket that is its lifecycle rule's affair.
fn sweep(uploads: &std::path::Path) {
    let old = |entry: &std::fs::DirEntry| {
        let written = entry.metadata().and_then(|meta| meta.modified()).ok();
        written.and_then(|at| at.elapsed().ok()).is_some_and(|age| age > LEFT_BEHIND)
    };
    for entry in std::fs::read_dir(uploads).into_iter().flatten().flatten().filter(old) {
        let _ = std::fs::remove_file(entry.path()); // it does no harm where it is
    }
}

/// The region in the name of a service: `s3.eu-de.cloud-object-storage.appdomain.cloud`, `s3.eu-west-1.amazonaws.com`.
fn region(endpoint: &Url) -> String {
    let host = endpoint.host_str().unwrap_or_default();
    let mut labels = host.split('.').skip_while(|label| *label != "s3").skip(1);
    let known = host.ends_with(".appdomain.cloud") || host.ends_with(".amazonaws.com");
    match labels.find(|label| !matches!(*label, "private" | "direct" | "dualstack")) {
        Some(label) if known && !matches!(label, "cloud-object-storage" | "amazonaws") => label.to_owned(),
        _ => REGION.to_owned(),
    }
}

/// What the service's own error document says: `NoSuchBucket: The specified bucket does not exist`.
fn answer_words(text: &str) -> Option<String> {
    let inside = |tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>"))?;
        Some(rest.split_once(&format!("</{tag}>"))?.0.to_owned())
    };
    let code = inside("Code")?;
    let words = match inside("Message") {
        Some(message) => format!("{code}: {message}"),
        None => code,
    };
    let words = crate::domain::SafeText::new(words);
    Some(words.shown().chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_is_read_off_the_service_s_name() {
        for (endpoint, expected) in [
            ("https://s3.eu-de.cloud-object-storage.appdomain.cloud", "eu-de"),
            ("https://s3.private.us-south.cloud-object-storage.appdomain.cloud", "us-south"),
            ("https://s3.eu-west-1.amazonaws.com", "eu-west-1"),
            ("https://s3.amazonaws.com", "us-east-1"),
            ("https://minio.plant.example:9000", "us-east-1"),
            ("https://127.0.0.1:9000", "us-east-1"),
        ] {
            assert_eq!(region(&endpoint.parse().unwrap()), expected, "{endpoint}");
        }
    }

    #[test]
    fn the_service_s_own_words_are_said() {
        let text = "Server returned non-2xx status code: 404 Not Found: <?xml version=\"1.0\"?><Error><Code>NoSuchBucket</Code>\
                    <Message>The specified bucket does not exist</Message></Error>";
        assert_eq!(
            answer_words(text).as_deref(),
            Some("NoSuchBucket: The specified bucket does not exist")
        );
        assert_eq!(answer_words("connection refused"), None);
    }

    #[tokio::test]
    async fn what_a_killed_upload_left_long_ago_is_taken_away() {
        let dir = tempfile::tempdir().unwrap();
        let uploads = dir.path().join(UPLOADS);
        std::fs::create_dir(&uploads).unwrap();
        for (name, age) in [("old.part#1", 48), ("new.part#1", 1)] {
            let file = std::fs::File::create(uploads.join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age * 3600))
                .unwrap();
        }
        let to = Url::from_directory_path(dir.path()).unwrap();
        Place::open(&to, None, &Env::of(&[]), &Telemetry::new(crate::maximo::Caller::default()))
            .await
            .unwrap();
        let left: Vec<_> = std::fs::read_dir(uploads)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["new.part#1"]);
    }
}
