//! Reads devices and assets, submits what has to change.

use std::collections::HashSet;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::plan::{Plan, Wish, plan};
use crate::config::DeviceTypes;
use crate::domain::{DeviceType, Intent, IntentState, OutboxId, OutboxRow, SafeText};
use crate::integration::{Ground, Job, JobError, JobErrorKind, Occasion, Part, Timing};
use crate::maximo::{DeviceQuery, ManageClient, MonitorClient, Progress};
use crate::outbox::RowFilter;

/// How long a run waits for the servers; what is not delivered by then stays in the outbox, and the next run finds it there.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(600);

/// What was read and what follows from it.
#[derive(Clone, Debug)]
pub struct Survey {
    /// What has to change.
    pub plan: Plan,
    /// Devices read.
    pub devices: usize,
    /// Records that could not be read.
    pub skipped: usize,
    /// What is wrong with the lists.
    pub problems: Vec<SafeText>,
    /// Whether the device list is whole.
    pub complete: bool,
}

/// Reads devices (of one type, or of the profile's) and the site's assets, page by page, and compares them.
pub async fn survey(
    ground: &Ground,
    (monitor, manage): (&MonitorClient, &ManageClient),
    only: Option<DeviceType>,
    progress: Progress<'_>,
) -> Result<Survey, JobError> {
    let types = match (only, &ground.profile.device_types) {
        (Some(one), _) => vec![one],
        (None, DeviceTypes::All) => Vec::new(),
        (None, DeviceTypes::Listed(types)) => types.clone(),
    };
    let query = DeviceQuery {
        types,
        ..DeviceQuery::default()
    };
    let devices = monitor.list_devices(&query, progress).await?;
    let site = &ground.profile.work_order.siteid;
    let wanted: HashSet<&str> = devices.items.iter().map(|device| device.id.raw()).collect();
    let assets = manage.assets(site, &|number| wanted.contains(number)).await?;
    Ok(Survey {
        plan: plan(&devices.items, &assets.items, site),
        devices: devices.items.len(),
        skipped: devices.skipped + assets.skipped,
        problems: devices.problems.into_iter().chain(assets.problems).collect(),
        complete: devices.complete,
    })
}

/// Commits the wishes of a plan. A wish that the server refused before, and that is still the same, stays parked with its reason
/// instead of being refused again at every run; it is counted.
pub async fn submit(ground: &Ground, wishes: &[Wish]) -> Result<(Vec<OutboxRow>, usize), JobError> {
    let parked = ground.outbox.list(RowFilter::of([IntentState::Parked])).await?;
    let parked: HashSet<(String, String)> = parked
        .into_iter()
        .filter(|row| row.target.profile == ground.profile.name)
        .filter_map(|row| match &row.intent {
            Intent::SyncAsset { status, .. } => Some((row.intent.object().0, status.clone())),
            _ => None,
        })
        .collect();
    let mut rows = Vec::new();
    let mut refused = 0;
    for wish in wishes {
        let intent = wish.intent();
        if parked.contains(&(intent.object().0, wish.status.to_owned())) {
            refused += 1;
        } else {
            rows.push(ground.submit(intent).await?);
        }
    }
    Ok((rows, refused))
}

/// The sync at intervals.
pub struct AssetsJob {
    ground: Ground,
    monitor: MonitorClient,
    manage: ManageClient,
    every: std::time::Duration,
}

impl AssetsJob {
    /// With the section's own keys, where it has them.
    pub async fn open(ground: &Ground) -> Result<Option<Self>, JobError> {
        let Some(assets) = &ground.profile.assets else { return Ok(None) };
        Ok(Some(Self {
            monitor: ground.monitor_for(assets.monitor_key.as_ref()).await?,
            manage: ground.manage_for(assets.manage_key.as_ref()).await?,
            every: assets.every,
            ground: ground.clone(),
        }))
    }

    async fn once(&self) -> Result<SafeText, JobError> {
        let found = survey(&self.ground, (&self.monitor, &self.manage), None, &|_, _| {}).await?;
        let (rows, refused) = submit(&self.ground, &found.plan.wishes).await?;
        let ids: Vec<OutboxId> = rows.iter().map(|row| row.id).collect();
        let rows = if ids.is_empty() {
            Vec::new()
        } else {
            self.ground.outbox.wait_settled(&ids, PATIENCE).await?
        };
        let count = |state: fn(IntentState) -> bool| rows.iter().filter(|row| state(row.state)).count();
        let written = count(|state| state == IntentState::Delivered);
        let open = count(IntentState::is_open);
        let parked = count(|state| state == IntentState::Parked) + refused;
        let left = found.plan.left.len();
        for (what, number) in [
            ("written", written),
            ("unchanged", found.plan.unchanged),
            ("refused", parked),
            ("left", left),
        ] {
            self.ground.parts.count(Part::Assets, what, number as u64);
        }
        let mut said = format!(
            "{} devices: {written} assets written, {} unchanged",
            found.devices, found.plan.unchanged
        );
        for (number, words) in [
            (open, "not delivered yet"),
            (parked, "refused by Manage"),
            (left, "not made into assets"),
            (found.skipped, "unreadable"),
        ] {
            if number > 0 {
                said = format!("{said}, {number} {words}");
            }
        }
        if parked > 0 {
            let words = format!("{said}; `nightdesk outbox list --state parked` says why");
            return Err(JobError::new(JobErrorKind::Partly, words));
        }
        if let Some(problem) = found.problems.first().filter(|_| !found.complete) {
            return Err(JobError::new(JobErrorKind::Partly, format!("{said}; {}", problem.shown())));
        }
        Ok(said.into())
    }
}

impl Job for AssetsJob {
    fn part(&self) -> Part {
        Part::Assets
    }

    fn name(&self) -> String {
        "assets".into()
    }

    fn timing(&self) -> Timing {
        Timing::Every(self.every)
    }

    fn run(&self, _occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>> {
        self.once().boxed()
    }
}
