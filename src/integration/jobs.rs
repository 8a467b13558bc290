//! Which jobs a configuration switches on.

use super::{Ground, Job, JobError};

/// The jobs that the profile's sections ask for, with their own credentials read. A part that is switched on and cannot
/// be set up is a failure here, not a silence later. A part adds its line here.
pub async fn jobs(ground: &Ground) -> Result<Vec<Box<dyn Job>>, JobError> {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    jobs.extend(super::lake::job(ground).await?);
    Ok(jobs)
}
