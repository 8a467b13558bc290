use nightdesk::domain::{Alert, Intent, IntentState, OutboxRow, Severity};
use nightdesk::integration::webhook::load;
use nightdesk::outbox::Submission;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::support::{Bridge, Yard};

const SERVICENOW: &str = "Alert to ServiceNow";
const SLACK: &str = "Alert to the shift's channel";
const GENERIC: &str = "Alert to another system";

fn alert(id: &str, name: &str) -> Alert {
    Alert::raised(
        id.into(),
        name.into(),
        "PUMP-017".into(),
        Severity::Critical,
        super::support::start(),
    )
}

/// Files whose waits are hundredths of a second.
async fn yard() -> Yard {
    let yard = Yard::start().await;
    for file in ["servicenow", "slack", "generic"] {
        yard.edit(&format!("webhooks/{file}.json"), "[5, 30, 120]", "[0.01, 0.02]");
    }
    yard
}

async fn tell(bridge: &Bridge, webhook: &str, alert: &Alert) -> OutboxRow {
    let settings = bridge.ground.bridge.as_ref().unwrap();
    let all = load(&settings.outbound, &bridge.ground.env).unwrap();
    let hook = all.iter().find(|hook| hook.name == webhook).unwrap();
    let submission = Submission {
        intent: hook.message("BEDFORD", alert),
        target: hook.target("demo"),
        grace: std::time::Duration::ZERO,
    };
    bridge.ground.outbox.submit(submission).await.unwrap()
}

async fn settled(bridge: &Bridge, row: &OutboxRow) -> OutboxRow {
    bridge.drained().await.into_iter().find(|other| other.id == row.id).unwrap()
}

fn status(status: u16, when: When) -> FaultAction {
    FaultAction::Status {
        status,
        retry_after: None,
        when,
    }
}

fn requests(yard: &Yard, operation: Operation) -> usize {
    let all = yard.simulator.requests();
    all.iter().filter(|request| request.operation == operation).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_receiver_gets_its_message_once_whatever_the_alert_says() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let hostile = alert("a-1", "\"}, \"admin\": true, {\"x\": \"\u{1b}[2J\r\n\u{202e}");
    for webhook in [SERVICENOW, SLACK, GENERIC] {
        let row = tell(&bridge, webhook, &hostile).await;
        let row = settled(&bridge, &row).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1), "{row:?}");
    }
    let [incident] = yard.simulator.incidents().try_into().unwrap();
    assert_eq!(incident["short_description"], hostile.name.raw());
    assert_eq!(incident["urgency"], "1");
    assert!(incident.get("admin").is_none());
    let told = yard.effects(EffectKind::ReceiveWebhook);
    let sinks: Vec<_> = told.iter().map(|entry| entry.sink.as_deref().unwrap()).collect();
    assert_eq!(sinks, ["slack", "generic"]);
    assert!(told[1].message.as_ref().unwrap().starts_with("msg_"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signature_that_is_not_the_receivers_is_refused_by_it() {
    let yard = yard().await;
    std::fs::write(yard.dir.path().join("webhooks/credentials/RECEIVER_SIGNING_SECRET"), "whsec_AAAA\n").unwrap();
    let mut bridge = yard.bridge("one").await;
    let row = tell(&bridge, GENERIC, &alert("a-1", "x")).await;
    bridge.send().await;
    while requests(&yard, Operation::ReceiveWebhook) < 2 {
        tokio::task::yield_now().await;
    }
    let row = bridge.ground.outbox.row(row.id).await.unwrap();
    assert!(row.state.is_open(), "a wrong credential pauses: {row:?}");
    assert!(yard.effects(EffectKind::ReceiveWebhook).is_empty());
    bridge.kill().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_tried_again_by_the_files_schedule() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    for (index, action) in [
        status(500, When::Before),
        status(503, When::Before),
        status(429, When::Before),
        FaultAction::Drop(When::Before),
    ]
    .into_iter()
    .enumerate()
    {
        yard.simulator
            .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], action).times(2)]);
        let row = tell(&bridge, GENERIC, &alert(&format!("a-{index}"), "x")).await;
        let row = settled(&bridge, &row).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 3), "{row:?}");
        assert_eq!(yard.effects(EffectKind::ReceiveWebhook).len(), index + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_knows_a_repeat_by_its_id() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    yard.simulator.set_faults(vec![
        FaultRule::on([Operation::ReceiveWebhook], FaultAction::Drop(When::After)).times(1),
    ]);
    let row = tell(&bridge, GENERIC, &alert("a-1", "x")).await;
    let row = settled(&bridge, &row).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 2), "{row:?}");
    assert_eq!(yard.effects(EffectKind::ReceiveWebhook).len(), 1);
    // another bridge tells the same under the same id
    let mut other = yard.bridge("two").await;
    other.send().await;
    let row = tell(&other, GENERIC, &alert("a-1", "x")).await;
    assert_eq!(settled(&other, &row).await.state, IntentState::Delivered);
    assert_eq!(yard.effects(EffectKind::ReceiveWebhook).len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_is_looked_up_before_it_is_made_again() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    for (index, action) in [
        FaultAction::Drop(When::After),
        status(500, When::After),
        FaultAction::Truncate { at: 3, cut: true },
    ]
    .into_iter()
    .enumerate()
    {
        yard.simulator
            .set_faults(vec![FaultRule::on([Operation::CreateIncident], action).times(1)]);
        let row = tell(&bridge, SERVICENOW, &alert(&format!("a-{index}"), "x")).await;
        let row = settled(&bridge, &row).await;
        assert_eq!(row.state, IntentState::Delivered, "{row:?}");
        assert_eq!(yard.simulator.incidents().len(), index + 1, "{row:?}");
    }
    yard.simulator.set_faults(Vec::new());
    // a second bridge finds what the first one made
    let mut other = yard.bridge("two").await;
    other.send().await;
    let row = tell(&other, SERVICENOW, &alert("a-0", "x")).await;
    let row = settled(&other, &row).await;
    assert_eq!(row.state, IntentState::Delivered);
    assert!(row.detail.unwrap().shown().contains("INC0010001"));
    assert_eq!(yard.simulator.incidents().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_that_are_used_up_make_a_dead_letter() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    yard.simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(500, When::Before))]);
    let row = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    let row = settled(&bridge, &row).await;
    assert_eq!((row.state, row.attempts), (IntentState::Parked, 3), "maxAttempts counts all tries");
    assert_eq!(requests(&yard, Operation::ReceiveWebhook), 3);
    let words = row.detail.unwrap();
    assert!(words.shown().contains("given up after 3 of 3 tries"), "{words:?}");
    // an unreachable one, too: its file says how often
    yard.simulator.set_outage(nightdesk::simulator::Outage::Refused).await;
    let row = tell(&bridge, SLACK, &alert("a-2", "x")).await;
    let row = settled(&bridge, &row).await;
    assert_eq!((row.state, row.attempts), (IntentState::Parked, 3), "{row:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_for_good_is_not_tried_again_and_a_redirect_is_not_followed() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let to = format!("{}/sinks/elsewhere", yard.simulator.url());
    let redirect = |status| FaultAction::Redirect {
        status,
        to: to.clone(),
        when: When::Before,
    };
    for (index, action) in [
        status(400, When::Before),
        status(404, When::Before),
        status(422, When::Before),
        redirect(302),
        redirect(307),
        redirect(308),
    ]
    .into_iter()
    .enumerate()
    {
        yard.simulator
            .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], action).times(1)]);
        let row = tell(&bridge, SLACK, &alert(&format!("a-{index}"), "x")).await;
        let row = settled(&bridge, &row).await;
        assert_eq!((row.state, row.attempts), (IntentState::Parked, 1), "{row:?}");
        assert_eq!(requests(&yard, Operation::ReceiveWebhook), index + 1);
    }
    assert!(yard.effects(EffectKind::ReceiveWebhook).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_gone_is_left_alone_over_a_restart() {
    let yard = yard().await;
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    yard.simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(410, When::Before)).times(1)]);
    let row = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Parked);
    bridge.kill().await;
    drop(bridge);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let row = tell(&bridge, SLACK, &alert("a-2", "x")).await;
    let row = settled(&bridge, &row).await;
    assert_eq!(row.state, IntentState::Parked);
    assert!(row.detail.unwrap().shown().contains("switched off since"));
    assert_eq!(requests(&yard, Operation::ReceiveWebhook), 1, "nothing more was sent there");
    // others go on, and another address is another receiver
    let row = tell(&bridge, GENERIC, &alert("a-2", "x")).await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Delivered);
    bridge.kill().await;
    yard.edit("webhooks/slack.json", "/sinks/slack", "/sinks/slack2");
    let mut bridge = yard.bridge("two").await;
    bridge.send().await;
    let row = tell(&bridge, SLACK, &alert("a-3", "x")).await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_private_address_is_refused_by_number_and_by_name() {
    let yard = yard().await;
    yard.edit(
        "bridge.toml",
        "allow_private = [\"127.0.0.0/8\"]",
        "allow_private = [\"10.0.0.0/8\"]",
    );
    // as a number in the address, and as a name that resolves to one
    yard.edit("webhooks/slack.json", "https://127.0.0.1", "https://localhost");
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    for webhook in [GENERIC, SLACK, SERVICENOW] {
        let row = tell(&bridge, webhook, &alert("a-1", "x")).await;
        let row = settled(&bridge, &row).await;
        assert_eq!((row.state, row.attempts), (IntentState::Parked, 1), "{row:?}");
        let words = row.detail.unwrap();
        assert!(
            words.shown().contains("loopback") && words.shown().contains("allow_private"),
            "{words:?}"
        );
    }
    assert_eq!(yard.simulator.traffic().connections, 0, "no connection was even begun");
    bridge.kill().await;
    yard.edit("bridge.toml", "[\"10.0.0.0/8\"]", "[\"127.0.0.0/8\", \"::1/128\"]");
    let mut bridge = yard.bridge("two").await;
    bridge.send().await;
    let row = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_no_longer_configured_says_so() {
    let yard = yard().await;
    let bridge = yard.bridge("one").await;
    let row = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    assert!(matches!(row.intent, Intent::CallWebhook { .. }));
    drop(bridge);
    yard.only_webhooks(&["generic"]);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let row = settled(&bridge, &row).await;
    assert_eq!(row.state, IntentState::Parked);
    assert!(row.detail.unwrap().shown().contains("no file of [bridge].outbound"));
}
