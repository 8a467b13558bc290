//! `nightdesk export ...`

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;
use url::Url;

/// What is exported, and how.
#[derive(Clone, Debug, Subcommand)]
pub enum ExportCommand {
    /// A day of a device type, all devices and all metrics, as one Parquet file in S3-compatible storage or a folder
    ///
    /// A day is [00:00Z, next 00:00Z), or of the profile's `day_zone`. The file has the columns device_id, device_type,
    /// timestamp (UTC, microseconds) and one a metric: DOUBLE, BOOLEAN or STRING, by its values; mixed values become text,
    /// and that is said. It is written once: the same bytes again are "unchanged", others are refused unless --replace is
    /// given. An empty day writes nothing. Memory stays the same however large the day is; the spool on disk takes some
    /// 60 bytes a reading.
    #[command(after_long_help = LAKE_HELP)]
    Lake(LakeArgs),
}

const LAKE_HELP: &str = "\
Buckets need their service and credentials in the profile:
  [profiles.NAME.lake]
  to = \"s3://plant-lake/monitor\"          # what --to is where it is not given
  endpoint = \"https://s3.eu-de.cloud-object-storage.appdomain.cloud\"
  access_key_file = \"cos.access\"          # HMAC keys; or iam_key_file = \"cos.apikey\" (IBM IAM),
  secret_key_file = \"cos.secret\"          #   with iam_url and service_instance_id
  layout = \"flat\"                         # TYPE/DATE/data.parquet; or \"hive\": device_type=TYPE/date=DATE/part-00000.parquet
  at = \"00:15\"                            # when `nightdesk bridge` exports the day before
  # region, ca_file, single_put_mib, spool_dir, monitor_key_file; the profile's day_zone
The bucket must honour If-None-Match on PUT and on completing an upload, as IBM COS, AWS S3 and MinIO do.";

/// `nightdesk export lake`
#[derive(Args, Clone, Debug)]
pub struct LakeArgs {
    /// The device type
    #[arg(long = "type", value_name = "TYPE")]
    pub device_type: String,
    /// The day
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = super::when::day)]
    pub date: Date,
    /// s3://bucket/prefix or file:///folder [default: the profile's `lake.to`]
    #[arg(long, value_name = "PLACE", value_parser = place)]
    pub to: Option<Url>,
    /// How the object is named [default: the profile's, else flat]
    #[arg(long, value_enum)]
    pub layout: Option<Layout>,
    /// Put it in the place of other content that is there already
    #[arg(long)]
    pub replace: bool,
}

/// How objects are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layout {
    /// TYPE/DATE/data.parquet
    Flat,
    /// device_type=TYPE/date=DATE/part-00000.parquet
    Hive,
}

fn place(written: &str) -> Result<Url, String> {
    let url = Url::parse(written).ok().filter(|url| matches!(url.scheme(), "s3" | "file"));
    url.ok_or_else(|| "write s3://bucket/prefix or file:///folder".to_owned())
}
