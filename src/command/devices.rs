//! `nightdesk devices`: list, show, create, set.

use std::fmt::Write as _;

use secrecy::ExposeSecret as _;
use serde_json::{Map, Value};

use super::context::{Context, age};
use super::delivery::{carry_out, tell_one};
use super::output::{lines, shown};
use super::session::Clients;
use super::table::{Align, Cell, Table};
use super::{Exit, Failure, ids, json};
use crate::cli::{Assignment, Devices};
use crate::config::DeviceTypes;
use crate::domain::{Device, DeviceId, DeviceKey, DeviceStatus, DeviceType, Intent, Listing, ObjectKey, SafeText};
use crate::maximo::{self, CreatedDevice, DeviceQuery, ErrorKind, NewDevice};

pub(super) async fn run(context: Context, command: Devices) -> Result<(), Failure> {
    match command {
        Devices::List {
            device_type,
            status,
            location,
        } => {
            let query = DeviceQuery {
                status: status.as_deref().map(DeviceStatus::parse),
                location,
                ..query(&context, device_type.as_deref())
            };
            let mut listing = read(&context, context.clients().await?, &query).await?;
            let read = listing.items.len();
            // a server that ignores a filter does not decide what is shown
            listing.items.retain(|device| {
                query.status.as_ref().is_none_or(|status| device.status == *status)
                    && query
                        .location
                        .as_ref()
                        .is_none_or(|wanted| device.location.as_ref().is_some_and(|location| location.raw() == wanted))
            });
            if listing.items.is_empty() {
                context.out.nothing(&format!("no device matches; {read} were read"));
            }
            context.out.list(&listing, |devices| table(&context, devices))
        }
        Devices::Show { id, device_type } => {
            let device = find(&context, context.clients().await?, &id, device_type.as_deref()).await?;
            context.out.object(&device, || text(&context, &device))
        }
        Devices::Create {
            id,
            device_type,
            serial_number,
            manufacturer,
            model,
            firmware_version,
            location,
            metadata,
        } => {
            ids::check(&id)?;
            ids::check(&device_type)?;
            let device_info = [
                ("serialNumber", serial_number),
                ("manufacturer", manufacturer),
                ("model", model),
                ("firmwareVersion", firmware_version),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
            .collect();
            let mut metadata = object(&metadata)?;
            if let Some(location) = location {
                metadata.insert("location".into(), location.into());
            }
            let new = NewDevice {
                key: DeviceKey::new(device_type.as_str(), id.as_str()),
                device_info,
                metadata,
            };
            create(&context, &new).await
        }
        Devices::Set {
            id,
            metadata,
            device_type,
            wait,
        } => {
            let limit = wait.limit();
            let metadata = object(&metadata)?;
            let device = key(&context, &id, device_type.as_deref()).await?;
            let wish = Intent::SetMetadata {
                device,
                metadata,
                message: None,
            };
            let rows = carry_out(&context, vec![wish], limit).await?;
            rows.first().map_or(Ok(()), |row| tell_one(&context, row, limit.is_some()))
        }
    }
}

fn query(context: &Context, device_type: Option<&str>) -> DeviceQuery {
    let types = match (device_type, &context.profile.device_types) {
        (Some(one), _) => vec![DeviceType::new(one)],
        (None, DeviceTypes::Listed(types)) => types.clone(),
        (None, DeviceTypes::All) => Vec::new(),
    };
    DeviceQuery {
        types,
        ..DeviceQuery::default()
    }
}

/// Reads a list with its progress on stderr.
async fn read(context: &Context, clients: &Clients, query: &DeviceQuery) -> Result<Listing<Device>, Failure> {
    let out = context.out;
    let progress = move |loaded: usize, total: Option<usize>| match total {
        Some(total) => out.progress(&format!("{loaded} of {total} devices")),
        None => out.progress(&format!("{loaded} devices")),
    };
    let listing = clients.monitor.list_devices(query, &progress).await;
    out.clear();
    Ok(listing?)
}

/// The one device of an id; several types may have it.
async fn find(context: &Context, clients: &Clients, id: &str, device_type: Option<&str>) -> Result<Device, Failure> {
    ids::check(id)?;
    let listing = read(context, clients, &query(context, device_type)).await?;
    let mut found: Vec<Device> = listing.items.into_iter().filter(|device| device.id.raw() == id).collect();
    match (found.pop(), found.as_slice()) {
        (Some(device), []) => Ok(device),
        (Some(last), others) => {
            let types: Vec<&str> = others.iter().chain([&last]).map(|device| device.device_type.shown()).collect();
            Err(Failure::new(
                Exit::Usage,
                format!(
                    "several types have a device {}: {}; name one with --type",
                    DeviceId::new(id),
                    types.join(", ")
                ),
            ))
        }
        (None, _) => Err(Failure::new(
            Exit::Refused,
            format!(
                "there is no device {} among the profile's types; --type names another type",
                DeviceId::new(id)
            ),
        )),
    }
}

/// Type and id; the servers are asked only where the type is not given.
pub(super) async fn key(context: &Context, id: &str, device_type: Option<&str>) -> Result<DeviceKey, Failure> {
    ids::check(id)?;
    match device_type {
        Some(device_type) => Ok(DeviceKey::new(device_type, id)),
        None => Ok(find(context, context.clients().await?, id, None).await?.key()),
    }
}

fn object(assignments: &[Assignment]) -> Result<Map<String, Value>, Failure> {
    let mut metadata = Map::new();
    for Assignment { key, value } in assignments {
        if metadata.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::new(Exit::Usage, format!("{} is set twice", SafeText::new(key.as_str()))));
        }
    }
    Ok(metadata)
}

/// Not an intent: the server shows the new device's token once, and it must not lie in an outbox. The audit has it all the same.
async fn create(context: &Context, new: &NewDevice) -> Result<(), Failure> {
    const WHAT: &str = "create-device";
    let monitor = &context.clients().await?.monitor;
    let audit = context.outbox().await?.audit();
    let object = ObjectKey::of_device(&new.key);
    let asked = Value::from_iter([
        ("deviceInfo".to_owned(), Value::Object(new.device_info.clone())),
        ("metadata".to_owned(), Value::Object(new.metadata.clone())),
    ]);
    // before the first byte leaves: what ends here in between is known to have been asked
    let asked = format!("asked of {}: {asked}", monitor.endpoint().origin());
    audit.record(WHAT, object.clone(), asked).await?;
    let created = monitor.create_device(new).await;
    let ended = match &created {
        Ok(_) => "made".to_owned(),
        Err(error) if may_exist(error) => format!("it is not known whether it was made: {error}"),
        Err(error) => format!("not made: {error}"),
    };
    let recorded = audit.record(WHAT, object, ended).await.map_err(Failure::from);
    let created = created.map_err(|error| not_created(new, &error))?;
    tell_created(context, new, &created)?;
    recorded
}

/// Whether a failed request may have been carried out.
fn may_exist(error: &maximo::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Interrupted | ErrorKind::Server { .. } | ErrorKind::Malformed
    )
}

fn not_created(new: &NewDevice, error: &maximo::Error) -> Failure {
    if !may_exist(error) {
        return Failure::new(Exit::from(error), error.to_string());
    }
    let message = format!(
        "{error}; the device may exist all the same: {} tells, before it is asked for again; the token that was to be shown once is lost",
        look(new)
    );
    Failure::new(Exit::from(error), message)
}

/// The command that shows whether it is there.
fn look(new: &NewDevice) -> String {
    let DeviceKey { device_type, device_id } = &new.key;
    format!("`nightdesk devices show {device_id} --type {device_type}`")
}

fn tell_created(context: &Context, new: &NewDevice, created: &CreatedDevice) -> Result<(), Failure> {
    let token = created.auth_token.as_ref().map(|token| token.expose_secret().to_owned());
    let mut document = match &created.device {
        Some(device) => json::value(device)?,
        None => Value::from_iter([
            ("deviceId".to_owned(), Value::from(new.key.device_id.raw())),
            ("deviceType".to_owned(), Value::from(new.key.device_type.raw())),
        ]),
    };
    if let (Some(members), Some(token)) = (document.as_object_mut(), &token) {
        members.insert("authToken".into(), token.as_str().into());
    }
    if token.is_some() {
        context.out.note("the token is shown this once: keep it now");
    }
    if created.device.is_none() {
        context
            .out
            .note(&format!("the answer does not show the device as it was made: {} does", look(new)));
    }
    context.out.object(&document, || {
        let mut text = match &created.device {
            Some(device) => text(context, device),
            None => lines(&[
                ("device", Some(new.key.device_id.to_string())),
                ("type", Some(new.key.device_type.to_string())),
            ]),
        };
        if let Some(token) = token {
            text.push_str(&lines(&[("token", Some(SafeText::new(token.as_str()).shown().to_owned()))]));
        }
        text
    })
}

fn text(context: &Context, device: &Device) -> String {
    let mut text = lines(&[
        ("device", Some(device.id.to_string())),
        ("type", Some(device.device_type.to_string())),
        ("status", Some(device.status.to_string())),
        ("last event", device.last_event_time.map(|at| context.local(at))),
        ("location", shown(device.location.as_ref())),
    ]);
    for (head, members) in [("info", &device.device_info), ("metadata", &device.metadata)] {
        for (name, value) in members {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let (name, value) = (SafeText::new(name.as_str()), SafeText::new(value));
            let _ = writeln!(text, "{head}.{name}: {value}"); // writing to a String cannot fail
        }
    }
    text
}

fn table(context: &Context, devices: &[Device]) -> Table {
    let mut table = Table::new(&[
        ("deviceId", Align::Left),
        ("deviceType", Align::Left),
        ("status", Align::Left),
        ("lastEventTime", Align::Right),
        ("location", Align::Left),
    ]);
    for device in devices {
        table.row(vec![
            device.id.shown().into(),
            device.device_type.shown().into(),
            device.status.shown().into(),
            device.last_event_time.map_or_else(
                || "".into(),
                |at| Cell::Both {
                    text: age(context.now, at),
                    csv: at.to_string(),
                },
            ),
            Cell::from(device.location.as_ref()),
        ]);
    }
    table
}
