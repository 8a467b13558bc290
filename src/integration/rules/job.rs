//! Reads the alerts, asks what stands against an action, submits it.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::decide::{Known, Reading, Verdict, due, judge};
use super::{Act, Memory, Watch};
use crate::config::DeviceTypes;
use crate::domain::{Alert, AlertState, DeviceId, Intent, IntentState, OutboxRow, Reference, SafeText, Service, WorkOrderDraft};
use crate::integration::webhook::{Definition, Disabled};
use crate::integration::{Ground, Job, JobError, JobErrorKind, Occasion, Part, Timing};
use crate::maximo::{AlertQuery, DeviceQuery, MonitorClient};
use crate::outbox::{OutboxError, RowFilter, Submission};

/// How many alerts are asked about in one run; the others follow in the next.
const PER_RUN: usize = 500;
/// Places of devices are read again after so long.
const PLACES_AGE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// Watches the alerts of a profile.
pub struct RulesJob {
    ground: Ground,
    monitor: MonitorClient,
    watches: Vec<Watch>,
    disabled: Disabled,
    places: Mutex<Option<(Timestamp, HashMap<DeviceId, SafeText>)>>,
}

/// What became of one alert.
enum Done {
    /// Submitted.
    Acted,
    /// Settled without an action.
    Left(String),
    /// Later.
    Deferred,
}

impl RulesJob {
    /// Watches by these.
    pub fn new(ground: Ground, watches: Vec<Watch>) -> Result<Self, JobError> {
        if watches.iter().any(|watch| matches!(watch.act, Act::WorkOrder)) && ground.target(Service::Manage).is_none() {
            let words = format!(
                "a rule of profile `{0}` makes work orders, and the profile has no Manage; add [profiles.{0}.manage]",
                ground.profile.name
            );
            return Err(JobError::new(JobErrorKind::Configuration, words));
        }
        Ok(Self {
            monitor: ground.monitor.clone(),
            disabled: Disabled::new(Arc::clone(&ground.store)),
            watches,
            ground,
            places: Mutex::default(),
        })
    }

    fn memory_name(&self) -> String {
        format!("rules-{}.json", self.ground.profile.name)
    }

    fn recall(&self, now: Timestamp) -> Result<Memory, JobError> {
        if let Some(bytes) = self.ground.store.read(&self.memory_name())? {
            match serde_json::from_slice(&bytes) {
                Ok(memory) => return Ok(memory),
                // what was done stands in the outbox and at the servers; only older alerts must not come up
                Err(error) => {
                    tracing::error!(%error, "the memory of the rules cannot be read and begins anew: alerts of before are left alone");
                }
            }
        }
        let memory = Memory::begin(now);
        self.keep(&memory)?;
        Ok(memory)
    }

    fn keep(&self, memory: &Memory) -> Result<(), JobError> {
        let bytes = serde_json::to_vec(memory).map_err(|error| JobError::new(JobErrorKind::Store, error.to_string()))?;
        Ok(self.ground.store.replace(&self.memory_name(), &bytes)?)
    }

    async fn once(&self, now: Timestamp) -> Result<SafeText, JobError> {
        let mut memory = self.recall(now)?;
        let query = AlertQuery {
            states: vec![AlertState::New, AlertState::Acknowledged],
            ..AlertQuery::default()
        };
        let listing = self.monitor.alerts(&query).await?;
        memory.see(&listing.items, now);
        let places = self.places(now).await?;
        let me = self.ground.telemetry.caller().operator.clone();
        let reading = Reading {
            alerts: &listing.items,
            locations: &places,
            me: &me,
            now,
        };
        let mut tally: BTreeMap<&'static str, usize> = BTreeMap::new();
        let mut failure = None;
        let mut pending = self.pending_assets().await?;
        let mut unanswered = HashSet::new();
        for (index, alert) in due(&self.watches, reading, &memory).into_iter().take(PER_RUN) {
            let Some(watch) = self.watches.get(index) else { continue };
            let key = watch.key();
            if !memory.may_act(&key, watch.per_hour, now) {
                *tally.entry("limited").or_default() += 1;
                continue;
            }
            // a server that did not answer is not asked for each of the others
            if unanswered.contains(&service(watch)) {
                continue;
            }
            match self.settle(watch, alert, &mut pending).await {
                Ok(Done::Acted) => {
                    memory.remember(&key, &alert.id, now);
                    memory.count(&key, now);
                    let (counted, word) = match (watch.dry_run, &watch.act) {
                        (true, _) => ("dry_run", "would act (dry run)"),
                        (false, Act::WorkOrder) => ("orders", "work order"),
                        (false, Act::Webhook(_)) => ("messages", "message"),
                    };
                    tracing::info!(rule = %watch.name, alert = %alert.id, "{word}");
                    *tally.entry(counted).or_default() += 1;
                    self.keep(&memory)?;
                }
                Ok(Done::Left(why)) => {
                    memory.remember(&key, &alert.id, now);
                    tracing::info!(rule = %watch.name, alert = %alert.id, why = %SafeText::new(why.as_str()), "left alone");
                    *tally.entry("left").or_default() += 1;
                }
                Ok(Done::Deferred) => *tally.entry("deferred").or_default() += 1,
                Err(error) if error.kind == JobErrorKind::Store => return Err(error),
                Err(error) => {
                    unanswered.insert(service(watch));
                    failure = Some(error);
                }
            }
        }
        if listing.complete {
            memory.prune(&listing.items, now);
        }
        self.keep(&memory)?;
        for (what, count) in &tally {
            self.ground.parts.count(Part::Rules, what, *count as u64);
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(sentence(listing.items.len(), &tally)),
        }
    }

    async fn settle(&self, watch: &Watch, alert: &Alert, pending: &mut HashSet<String>) -> Result<Done, JobError> {
        match &watch.act {
            Act::WorkOrder => self.order(watch, alert, pending).await,
            Act::Webhook(hook) => self.message(watch, hook, alert).await,
        }
    }

    async fn order(&self, watch: &Watch, alert: &Alert, pending: &mut HashSet<String>) -> Result<Done, JobError> {
        let mut draft = WorkOrderDraft::from_alert(alert, &self.ground.profile.work_order);
        // nobody is there to mend a line that Manage would not take
        draft.description = draft
            .description
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char })
            .collect();
        let draft = match draft.validated() {
            Ok(draft) => draft,
            Err(error) => return Ok(Done::Left(format!("no work order can be made of it: {error}"))),
        };
        let intent = Intent::CreateWorkOrder {
            alert: alert.id.clone(),
            generation: 0,
            seen: Vec::new(),
            allow_duplicate: false,
            draft: draft.clone(),
        };
        if let Some(row) = self.own_row(&intent).await? {
            return Ok(Done::Left(format!("asked for before: outbox {} is {}", row.id, row.state)));
        }
        let manage = self.ground.manage_for(None).await?;
        let reference = Reference::of(&draft.siteid, &alert.id, 0);
        let own = manage
            .orders_by_reference(std::slice::from_ref(&reference))
            .await?
            .into_iter()
            .next();
        let open = match (&own, &draft.assetnum) {
            (None, Some(asset)) => match manage.open_orders(asset, &draft.siteid).await {
                Ok(open) => open,
                Err(error) if matches!(error.kind(), crate::maximo::ErrorKind::Refused { .. }) => {
                    return Ok(Done::Left(format!("the orders of its asset cannot be looked up: {error}")));
                }
                Err(error) => return Err(error.into()),
            },
            _ => Vec::new(),
        };
        let asset = draft.assetnum.clone().unwrap_or_default();
        let known = Known {
            own,
            open,
            pending: pending.contains(&asset),
        };
        match judge(&known) {
            Verdict::Make if watch.dry_run => Ok(Done::Acted),
            Verdict::Make => {
                self.ground.submit(intent).await?;
                pending.insert(asset);
                Ok(Done::Acted)
            }
            Verdict::Leave(why) => Ok(Done::Left(why)),
            Verdict::Wait => Ok(Done::Deferred),
        }
    }

    async fn message(&self, watch: &Watch, hook: &Definition, alert: &Alert) -> Result<Done, JobError> {
        if let Some(disablement) = hook.disablement(&self.disabled)? {
            return Ok(Done::Left(format!("{} is switched off since {}", hook.name, disablement.since)));
        }
        let intent = hook.message(&self.ground.profile.work_order.siteid, alert);
        if let Some(row) = self.own_row(&intent).await? {
            return Ok(Done::Left(format!("told before: outbox {} is {}", row.id, row.state)));
        }
        if watch.dry_run {
            return Ok(Done::Acted);
        }
        let submission = Submission {
            target: hook.target(&self.ground.profile.name),
            intent,
            grace: std::time::Duration::ZERO,
        };
        match self.ground.outbox.submit(submission).await {
            Ok(_) => Ok(Done::Acted),
            Err(error @ OutboxError::TooLarge { .. }) => Ok(Done::Left(error.to_string())),
            Err(error) => Err(error.into()),
        }
    }

    /// The row that asks for the same already, however it ended: what a person cancelled is not asked for again.
    async fn own_row(&self, intent: &Intent) -> Result<Option<OutboxRow>, JobError> {
        let filter = RowFilter {
            object: Some(intent.object()),
            profile: Some(self.ground.profile.name.clone()),
            newest_first: true,
            limit: Some(1),
            ..RowFilter::default()
        };
        Ok(self.ground.outbox.list(filter).await?.into_iter().next())
    }

    /// Assets that an order is on its way for, or waits for a person's decision.
    async fn pending_assets(&self) -> Result<HashSet<String>, JobError> {
        let open = [IntentState::Queued, IntentState::Sending, IntentState::InDoubt];
        let rows = self.ground.outbox.list(RowFilter::of(open)).await?;
        let assets = rows.into_iter().filter_map(|row| match row.intent {
            Intent::CreateWorkOrder { draft, .. } => draft.assetnum,
            _ => None,
        });
        Ok(assets.collect())
    }

    /// Where devices are, if a rule asks for it.
    async fn places(&self, now: Timestamp) -> Result<HashMap<DeviceId, SafeText>, JobError> {
        let asked = |watch: &Watch| match &watch.matcher {
            super::watch::Matcher::Rule(filter, _) => filter.text().contains("loc"),
            super::watch::Matcher::Trigger(_) => false,
        };
        if !self.watches.iter().any(asked) {
            return Ok(HashMap::new());
        }
        let mut known = self.places.lock().await;
        if let Some((at, places)) = &*known
            && now.duration_since(*at) < PLACES_AGE
        {
            return Ok(places.clone());
        }
        let query = DeviceQuery {
            types: match &self.ground.profile.device_types {
                DeviceTypes::All => Vec::new(),
                DeviceTypes::Listed(types) => types.clone(),
            },
            ..DeviceQuery::default()
        };
        let devices = self.monitor.list_devices(&query, &|_, _| {}).await?;
        let places: HashMap<_, _> = devices
            .items
            .into_iter()
            .filter_map(|device| Some((device.id, device.location?)))
            .collect();
        *known = Some((now, places.clone()));
        Ok(places)
    }
}

fn service(watch: &Watch) -> Service {
    match watch.act {
        Act::WorkOrder => Service::Manage,
        Act::Webhook(_) => Service::Webhook,
    }
}

fn sentence(standing: usize, tally: &BTreeMap<&'static str, usize>) -> SafeText {
    let told: Vec<String> = [
        ("orders", "work orders"),
        ("messages", "messages"),
        ("dry_run", "would have acted (dry run)"),
        ("left", "left alone"),
        ("deferred", "wait for another order of their asset"),
        ("limited", "wait for the hourly limit"),
    ]
    .into_iter()
    .filter_map(|(what, words)| Some(format!("{} {words}", tally.get(what)?)))
    .collect();
    let told = if told.is_empty() {
        "nothing due".to_owned()
    } else {
        told.join(", ")
    };
    format!("{standing} alerts stand: {told}").into()
}

impl Job for RulesJob {
    fn part(&self) -> Part {
        Part::Rules
    }

    fn name(&self) -> String {
        "rules".into()
    }

    fn timing(&self) -> Timing {
        Timing::Every(self.ground.profile.refresh.alerts)
    }

    fn run(&self, occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>> {
        self.once(occasion.now).boxed()
    }
}
