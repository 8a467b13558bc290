//! The data lake of a program that was built without it.

use super::{Ground, Job, JobError, JobErrorKind};

/// What is said where it is asked for.
pub fn absent() -> JobError {
    JobError::new(
        JobErrorKind::Configuration,
        "this nightdesk was built without the data lake; build it with `cargo build --release` and the default features, or `--features lake`",
    )
}

/// The daily job: refused where the profile asks for it.
#[expect(clippy::unused_async, reason = "as in the program that has it")]
pub async fn job(ground: &Ground) -> Result<Option<Box<dyn Job>>, JobError> {
    match ground.profile.lake {
        Some(_) => Err(absent()),
        None => Ok(None),
    }
}
