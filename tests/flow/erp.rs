use jiff::civil::date;
use nightdesk::domain::IntentState;
use nightdesk::integration::Occasion;
use nightdesk::integration::erp::{Dispatch, report_day};
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};
use serde_json::Value;

use super::support::{Bridge, Yard};

async fn run(yard: &Yard, bridge: &Bridge, day: jiff::civil::Date) -> Result<String, String> {
    let occasion = Occasion {
        now: yard.now(),
        day: Some(day),
    };
    let said = bridge.job("erp").await.run(occasion).await;
    said.map(|said| said.shown().to_owned()).map_err(|error| error.to_string())
}

fn puts(yard: &Yard) -> usize {
    let all = yard.simulator.requests();
    all.iter().filter(|request| request.operation == Operation::PutReport).count()
}

/// The sums of a line's day, straight from the server's events, added up here.
async fn added_up(bridge: &Bridge, line: &str, day: &str) -> [f64; 4] {
    let query = nightdesk::maximo::ReadingQuery {
        device: nightdesk::domain::DeviceKey::new("ProductionLine", line),
        start: Some(format!("{day}T00:00:00Z").parse().unwrap()),
        end: Some(format!("{day}T23:59:59.999Z").parse().unwrap()),
        metrics: Vec::new(),
        aggregation: None,
    };
    let rows = bridge.ground.monitor.readings(&query).await.unwrap();
    ["output_count", "good_count", "scrap_count", "runtime_minutes"].map(|metric| {
        rows.iter()
            .filter_map(|row| row.values.get(&metric.into())?.as_number())
            .sum::<f64>()
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_is_reported_once_and_its_correction_once() {
    let yard = Yard::start().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let day = date(2026, 2, 18);
    let said = run(&yard, &bridge, day).await.unwrap();
    assert!(said.contains("LINE-1 2026-02-18: report sent") && said.contains("LINE-2"), "{said}");
    let reports = yard.simulator.reports();
    assert_eq!(reports.len(), 2);
    for report in &reports {
        let line = report["production_line"].as_str().unwrap();
        let [output, good, scrap, minutes] = added_up(&bridge, line, "2026-02-18").await;
        assert!(output > 0.0);
        assert_eq!(report["metrics"]["total_output"].as_f64(), Some(output));
        assert_eq!(report["metrics"]["good_output"].as_f64(), Some(good));
        assert_eq!(report["metrics"]["scrap"].as_f64(), Some(scrap));
        assert!((report["metrics"]["runtime_hours"].as_f64().unwrap() - minutes / 60.0).abs() <= 0.05);
    }
    assert_eq!(puts(&yard), 2);
    // once more: nothing is sent, by this bridge or after a restart
    assert!(run(&yard, &bridge, day).await.unwrap().contains("unchanged"));
    bridge.kill().await;
    drop(bridge);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    assert!(run(&yard, &bridge, day).await.unwrap().contains("unchanged"));
    assert_eq!(puts(&yard), 2);

    // a day that is not over is corrected when more has come in, each change once
    let today = date(2026, 2, 19);
    run(&yard, &bridge, today).await.unwrap();
    assert_eq!(puts(&yard), 4);
    yard.hand.advance_secs(3600);
    let said = run(&yard, &bridge, today).await.unwrap();
    assert!(said.contains("LINE-1 2026-02-19: correction sent"), "{said}");
    assert!(run(&yard, &bridge, today).await.unwrap().contains("unchanged"));
    assert_eq!(puts(&yard), 6);
    let effects = yard.effects(EffectKind::ReportProduction);
    assert_eq!(effects.len(), 6);
    // the days before are added up again by later runs
    yard.hand.advance_secs(3600);
    let said = run(&yard, &bridge, date(2026, 2, 20)).await.unwrap_err();
    assert!(said.contains("LINE-1 has no output_count on 2026-02-20"), "{said}");
    assert!(said.contains("LINE-1 2026-02-19: correction sent"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_answers_and_two_bridges_change_nothing_at_the_erp() {
    for method in ["PUT", "POST"] {
        let yard = Yard::start().await;
        yard.edit("bridge.toml", "at = \"00:30\"", &format!("at = \"00:30\"\nmethod = \"{method}\""));
        yard.simulator.set_faults(vec![
            FaultRule::on([Operation::PutReport, Operation::PostReport], FaultAction::Drop(When::After)).times(2),
            FaultRule::on([Operation::PutReport, Operation::PostReport], FaultAction::Drop(When::Before)).times(2),
        ]);
        let mut bridges = [yard.bridge("one").await, yard.bridge("two").await];
        for bridge in &mut bridges {
            bridge.send().await;
        }
        let day = date(2026, 2, 18);
        let (first, second) = tokio::join!(run(&yard, &bridges[0], day), run(&yard, &bridges[1], day));
        drop((first, second));
        for bridge in &bridges {
            let rows = bridge.drained().await;
            assert!(rows.iter().all(|row| row.state == IntentState::Delivered), "{rows:?}");
        }
        let effects = yard.effects(EffectKind::ReportProduction);
        let mut reports: Vec<_> = effects.iter().map(|entry| entry.report.clone().unwrap()).collect();
        reports.sort();
        assert_eq!(reports, ["LINE-1/2026-02-18", "LINE-2/2026-02-18"], "{method}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_without_readings_sends_nothing() {
    let yard = Yard::start().await;
    let bridge = yard.bridge("one").await;
    let monitor = bridge.ground.monitor.clone();
    let error = report_day(&bridge.ground, &monitor, "LINE-1", date(2030, 1, 1)).await.unwrap_err();
    assert!(error.to_string().contains("nothing is sent, since that is not zero"), "{error}");
    let error = report_day(&bridge.ground, &monitor, "LINE-99", date(2026, 2, 18))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("LINE-99"), "{error}");
    assert!(bridge.rows().await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_null_or_missing_is_counted_and_not_zero() {
    let yard = Yard::start().await;
    let bridge = yard.bridge("one").await;
    let row = |minute: u32, values: Value| {
        let mut row = serde_json::json!({ "timestamp": format!("2026-02-18T01:{minute:02}:00Z"), "deviceId": "LINE-1" });
        row.as_object_mut().unwrap().extend(values.as_object().unwrap().clone());
        row
    };
    let body = serde_json::json!({ "data": [
        row(0, serde_json::json!({ "output_count": 10, "good_count": 9, "scrap_count": 1, "runtime_minutes": 4.5 })),
        row(5, serde_json::json!({ "output_count": null, "good_count": 9, "scrap_count": 1, "runtime_minutes": 4.5 })),
        row(10, serde_json::json!({ "output_count": 10, "good_count": 9, "runtime_minutes": "off" })),
        serde_json::json!({ "deviceId": "LINE-1", "output_count": 1 }),
    ] });
    let answer = FaultAction::Replace {
        status: 200,
        content_type: "application/json".into(),
        body: body.to_string().into_bytes(),
        when: When::Before,
    };
    yard.simulator.set_faults(vec![FaultRule::on([Operation::QueryEvents], answer)]);
    let monitor = bridge.ground.monitor.clone();
    let outcome = report_day(&bridge.ground, &monitor, "LINE-1", date(2026, 2, 18)).await.unwrap();
    assert_eq!(outcome.report.body["metrics"]["total_output"], 20);
    assert_eq!(
        outcome.report.body["metrics"]["runtime_hours"], 0.1,
        "9 minutes are 0.15 h, which is below the tie"
    );
    assert_eq!(
        outcome.gaps().unwrap(),
        "of 3 readings, output_count: 1 null; scrap_count: 1 missing; runtime_minutes: 1 not a number; 1 more readings could not be read"
    );
    assert!(matches!(outcome.dispatch, Dispatch::Row(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_replaced_is_read_anew_and_what_waited_for_it_goes_on() {
    let yard = Yard::start().await;
    yard.edit("bridge.toml", "lines = [\"LINE-1\", \"LINE-2\"]", "lines = [\"LINE-1\"]");
    let path = yard.dir.path().join("erp.key");
    let right = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, "last-years-key\n").unwrap();
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    // refused with the key that there is, until there is another one
    let replaced = async {
        while puts(&yard) < 2 {
            tokio::task::yield_now().await;
        }
        assert!(yard.effects(EffectKind::ReportProduction).is_empty());
        std::fs::write(&path, &right).unwrap();
    };
    let (said, ()) = tokio::join!(run(&yard, &bridge, date(2026, 2, 18)), replaced);
    assert!(said.as_ref().is_ok_and(|said| said.contains("report sent")), "{said:?}");
    // within one try, where the new one lies there before the old one is refused
    bridge.kill().await;
    std::fs::write(&path, "last-years-key\n").unwrap();
    let mut bridge = yard.bridge("two").await;
    bridge.send().await;
    std::fs::write(&path, &right).unwrap();
    let before = puts(&yard);
    run(&yard, &bridge, date(2026, 2, 17)).await.unwrap();
    assert_eq!(puts(&yard), before + 2);
    let rows = bridge.rows().await;
    assert!(
        rows.iter().all(|row| (row.state, row.attempts) == (IntentState::Delivered, 1)),
        "{rows:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_report_is_said_and_tried_once_more_by_the_next_run() {
    let yard = Yard::start().await;
    yard.edit("bridge.toml", "lines = [\"LINE-1\", \"LINE-2\"]", "lines = [\"LINE-1\"]");
    yard.simulator.set_faults(vec![
        FaultRule::on(
            [Operation::PutReport],
            FaultAction::Status {
                status: 422,
                retry_after: None,
                when: When::Before,
            },
        )
        .times(1),
    ]);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let day = date(2026, 2, 18);
    let error = run(&yard, &bridge, day).await.unwrap_err();
    assert!(error.contains("LINE-1 2026-02-18: the ERP answered 422"), "{error}");
    let said = run(&yard, &bridge, day).await.unwrap();
    assert!(said.contains("report sent"), "{said}");
    assert_eq!(yard.effects(EffectKind::ReportProduction).len(), 1);
    assert_eq!(bridge.rows().await.len(), 1);
}
