//! `nightdesk export lake`: a device type's day into the data lake.

use super::Failure;
use super::context::Context;
use crate::cli::{ExportCommand, LakeArgs};

pub(super) async fn run(context: Context, command: ExportCommand) -> Result<(), Failure> {
    let ExportCommand::Lake(arguments) = command;
    lake(context, arguments).await
}

#[cfg(not(feature = "lake"))]
#[expect(clippy::unused_async, reason = "as in the program that has it")]
async fn lake(_: Context, _: LakeArgs) -> Result<(), Failure> {
    Err(crate::integration::lake::absent().into())
}

#[cfg(feature = "lake")]
async fn lake(context: Context, arguments: LakeArgs) -> Result<(), Failure> {
    use super::output::lines;
    use super::{Exit, session};
    use crate::cli::Layout;
    use crate::config::LakeLayout;
    use crate::integration::lake::{Day, Order, Place, State, export, frugal, spool_dir};
    use crate::maximo::{Auth, MonitorClient};

    super::ids::check(&arguments.device_type)?;
    let (profile, env) = (&context.profile, &context.config.env);
    let lake = profile.lake.as_ref();
    let Some(to) = arguments.to.as_ref().or_else(|| lake.map(|lake| &lake.to)) else {
        let words = format!("--to is missing, and [profiles.{}.lake] has no `to`", profile.name);
        return Err(Failure::new(Exit::Usage, words));
    };
    let day = Day {
        date: arguments.date,
        zone: profile.day_zone.clone(),
    };
    if day.bounds().is_none_or(|(start, _)| start > context.now) {
        return Err(Failure::new(
            Exit::Usage,
            format!("--date {}: that day has not begun", arguments.date),
        ));
    }
    let order = Order {
        device_type: arguments.device_type.as_str().into(),
        day,
        layout: match arguments.layout {
            Some(Layout::Flat) => LakeLayout::Flat,
            Some(Layout::Hive) => LakeLayout::Hive,
            None => lake.map_or(LakeLayout::Flat, |lake| lake.layout),
        },
        replace: arguments.replace,
        spool_dir: spool_dir(lake.and_then(|lake| lake.spool_dir.as_deref()), env),
        now: context.now,
    };
    let telemetry = session::telemetry(&context.config)?;
    let place = Place::open(to, lake, env, &telemetry).await?;
    let mut endpoint = session::monitor_endpoint(&profile.monitor, env).await?;
    if let Some(key) = lake.and_then(|lake| lake.monitor_key.as_ref()) {
        endpoint.auth = Auth::ApiKey(key.read(env).await?);
    }
    let monitor = MonitorClient::new(frugal(endpoint), telemetry)?;
    // before anything is written: what cannot be recorded is not done
    let audit = context.outbox().await?.audit();
    let out = context.out;
    let exported = export(&monitor, &place, &order, &|progress| {
        let what = if progress.writing { ", writing the file" } else { "" };
        out.progress(&format!(
            "{} of {} devices, {} records{what}",
            progress.devices, progress.of, progress.records
        ));
    })
    .await;
    out.clear();
    let exported = exported?;
    exported.record(&audit).await?;
    for remark in exported.remarks() {
        out.note(&remark);
    }
    if exported.state == State::Different {
        return Err(Failure::new(Exit::Refused, exported.sentence()));
    }
    out.object(&exported, || {
        if exported.state == State::Empty {
            return format!("{}\n", exported.sentence());
        }
        lines(&[
            ("bucket", Some(exported.bucket.clone())),
            ("key", exported.key.clone()),
            ("records", Some(exported.records.to_string())),
            ("devices", Some(exported.devices.to_string())),
            ("bytes", Some(exported.bytes.to_string())),
            ("state", Some(exported.state.as_str().to_owned())),
        ])
    })
}
