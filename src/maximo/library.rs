//! The functions of the integration guide, by their names there: thin layers over the typed queries.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{Aggregation, BulkQuery, DeviceQuery, Error, MonitorClient, ReadingQuery};
use crate::domain::{Device, DeviceId, DeviceKey, DeviceType, Listing, MetricValue, Reading};

impl MonitorClient {
    /// A time series of one device, or with `*` of all devices of a type, in [start, end); `metrics` empty means all. Of all devices
    /// the rows come a device at a time, each oldest first. What may not fit into memory is better asked for with
    /// [`Self::get_device_data_stream`].
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), Box<dyn std::error::Error>> {
    /// let (start, end) = ("2026-02-19T00:00:00Z".parse()?, "2026-02-19T06:00:00Z".parse()?);
    /// for row in monitor.get_device_data("PumpStation", "PUMP-017", start, end, &["vibration".into()]).await? {
    ///     println!("{} {:?}", row.timestamp, row.values);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_device_data(
        &self,
        device_type: &str,
        device_id: &str,
        start: Timestamp,
        end: Timestamp,
        metrics: &[String],
    ) -> Result<Vec<Reading>, Error> {
        self.get_device_data_stream(device_type, device_id, start, end, metrics)
            .try_concat()
            .await
    }

    /// The same as a stream of some thousand rows at a time: a day of a whole type need not fit into memory.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures_util::TryStreamExt as _;
    /// let (start, end) = ("2026-02-19T00:00:00Z".parse()?, "2026-02-20T00:00:00Z".parse()?);
    /// let mut rows = monitor.get_device_data_stream("PumpStation", "*", start, end, &[]);
    /// while let Some(some) = rows.try_next().await? {
    ///     println!("{} rows more", some.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_device_data_stream(
        &self,
        device_type: &str,
        device_id: &str,
        start: Timestamp,
        end: Timestamp,
        metrics: &[String],
    ) -> BoxStream<'static, Result<Vec<Reading>, Error>> {
        let (client, device_type, metrics) = (self.clone(), DeviceType::new(device_type), metrics.to_vec());
        if device_id == "*" {
            let begun = async move {
                let query = DeviceQuery {
                    types: vec![device_type.clone()],
                    ..DeviceQuery::default()
                };
                let devices = client.list_devices(&query, &|_, _| {}).await?;
                let query = BulkQuery {
                    device_type,
                    devices: devices.items.into_iter().map(|device| device.id).collect(),
                    metrics,
                    start,
                    end,
                    aggregation: None,
                };
                Ok(client.gather(query).map_ok(|batch| batch.rows))
            };
            return futures_util::stream::once(begun).try_flatten().boxed();
        }
        self.readings_stream(ReadingQuery {
            device: DeviceKey::new(device_type, device_id),
            start: Some(start),
            end: Some(end),
            metrics,
            aggregation: None,
        })
        .map_ok(|page| page.items)
        .boxed()
    }

    /// The newest row of each device of a type within the last hour; `metrics` empty means all.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), nightdesk::maximo::Error> {
    /// let newest = monitor.get_latest_values("TemperatureSensor", &["temperature".into()]).await?;
    /// println!("{} of the sensors were heard of", newest.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_latest_values(&self, device_type: &str, metrics: &[String]) -> Result<Vec<Reading>, Error> {
        Ok(self.latest_values(device_type, metrics).await?.items)
    }

    /// The same with the count of devices and rows that did not fit.
    pub async fn latest_values(&self, device_type: &str, metrics: &[String]) -> Result<Listing<Reading>, Error> {
        let device_type = DeviceType::new(device_type);
        let query = DeviceQuery {
            types: vec![device_type.clone()],
            ..DeviceQuery::default()
        };
        let known = self.list_devices(&query, &|_, _| {}).await?;
        let devices: Vec<DeviceId> = known.items.into_iter().map(|device| device.id).collect();
        let end = Timestamp::now();
        let mut latest = Listing {
            skipped: known.skipped,
            problems: known.problems,
            complete: known.complete,
            ..Listing::whole(Vec::new(), end)
        };
        let start = end - jiff::SignedDuration::from_hours(1);
        let query = BulkQuery {
            device_type,
            devices,
            metrics: metrics.to_vec(),
            start,
            end,
            aggregation: Some((Aggregation::Last, "1h".to_owned())),
        };
        let mut newest: BTreeMap<DeviceId, Reading> = BTreeMap::new();
        let mut groups = std::pin::pin!(self.bulk_listings(query));
        while let Some(group) = groups.try_next().await? {
            latest.skipped += group.skipped;
            latest.problems.extend(group.problems);
            for row in group.items {
                let Some(id) = row.device_id.clone() else {
                    latest.skipped += 1;
                    latest.problems.push("a reading without `deviceId`".into());
                    continue;
                };
                match newest.entry(id) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(row);
                    }
                    Entry::Occupied(mut known) => {
                        let known = known.get_mut();
                        let (older, newer) = if row.timestamp > known.timestamp {
                            (std::mem::replace(known, row), known)
                        } else {
                            (row, known)
                        };
                        // the window may fall into two buckets: a metric that the newer one lacks was last heard of in the older
                        for (metric, value) in older.values {
                            let slot = newer.values.entry(metric).or_insert(MetricValue::Null);
                            if *slot == MetricValue::Null {
                                *slot = value;
                            }
                        }
                    }
                }
            }
        }
        latest.problems.truncate(5);
        latest.items = newest.into_values().collect();
        Ok(latest)
    }

    /// All devices of these types at one location.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), nightdesk::maximo::Error> {
    /// let pumps = monitor.get_devices_by_location(&["PumpStation".into()], "Building A").await?;
    /// assert!(pumps.items.iter().all(|pump| pump.location.is_some()));
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_devices_by_location(&self, types: &[DeviceType], location: &str) -> Result<Listing<Device>, Error> {
        let query = DeviceQuery {
            types: types.to_vec(),
            location: Some(location.to_owned()),
            status: None,
        };
        self.list_devices(&query, &|_, _| {}).await
    }

    /// All devices of a type, online or not.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), nightdesk::maximo::Error> {
    /// let pumps = monitor.get_all_devices("PumpStation").await?;
    /// println!("{} pumps, complete: {}", pumps.items.len(), pumps.complete);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_all_devices(&self, device_type: &str) -> Result<Listing<Device>, Error> {
        self.list_devices(
            &DeviceQuery {
                types: vec![DeviceType::new(device_type)],
                ..DeviceQuery::default()
            },
            &|_, _| {},
        )
        .await
    }

    /// Merges keys into a device's metadata; other keys stay. A single attempt: what must arrive goes through the outbox.
    ///
    /// ```no_run
    /// # async fn example(monitor: nightdesk::maximo::MonitorClient) -> Result<(), nightdesk::maximo::Error> {
    /// let mut metadata = serde_json::Map::new();
    /// metadata.insert("lastCalibration".into(), "2026-02-19".into());
    /// monitor.update_device_metadata("PumpStation", "PUMP-017", &metadata).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_device_metadata(
        &self,
        device_type: &str,
        device_id: &str,
        metadata: &Map<String, Value>,
    ) -> Result<Option<Device>, Error> {
        self.update_metadata(&DeviceKey::new(device_type, device_id), metadata).await
    }
}
