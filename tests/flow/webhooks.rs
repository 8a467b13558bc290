use nightdesk::domain::{Alert, Intent, IntentState, OutboxRow, Severity};
use nightdesk::integration::webhook::load;
use nightdesk::outbox::Submission;
use nightdesk::simulator::{EffectKind, FaultAction, FaultRule, Operation, When};

use super::support::{Bridge, Yard};
use crate::faults::site::GUARD;

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
    let yard = Yard::with_quick_webhooks().await;
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

/// Puts another secret into a file of the webhooks' credentials; answers the one that stood there.
fn credential(yard: &Yard, name: &str, secret: &str) -> String {
    let path = yard.dir.path().join("webhooks/credentials").join(name);
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, secret).unwrap();
    before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_secret_pauses_its_webhook_alone_and_the_right_one_needs_no_restart() {
    let yard = Yard::with_quick_webhooks().await;
    let right = credential(&yard, "RECEIVER_SIGNING_SECRET", "whsec_AAAA\n");
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let refused = tell(&bridge, GENERIC, &alert("a-1", "x")).await;
    while requests(&yard, Operation::ReceiveWebhook) < 5 {
        tokio::task::yield_now().await;
    }
    // at the same host, with another credential
    let other = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    let [other] = bridge
        .ground
        .outbox
        .wait_settled(&[other.id], GUARD)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(other.state, IntentState::Delivered, "{other:?}");
    let [lane] = bridge.ground.outbox.lanes().await.unwrap().try_into().unwrap();
    assert!(
        lane.target.origin.ends_with("#Alert to another system") && lane.reason.shown().contains("401"),
        "{lane:?}"
    );
    let row = bridge.ground.outbox.row(refused.id).await.unwrap();
    assert!(row.state.is_open(), "a wrong credential pauses: {row:?}");
    // what the pause took are no tries of the message: two failures more are within its three
    yard.simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], status(500, When::Before)).times(2)]);
    credential(&yard, "RECEIVER_SIGNING_SECRET", &right);
    let row = settled(&bridge, &refused).await;
    assert!(row.state == IntentState::Delivered && row.attempts >= 7, "{row:?}");
    // said a moment after the row is settled
    while !bridge.ground.outbox.lanes().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_was_replaced_meanwhile_is_read_anew_within_the_same_try() {
    let yard = Yard::with_quick_webhooks().await;
    let names = ["RECEIVER_SIGNING_SECRET", "SERVICENOW_AUTH"];
    let right = names.map(|name| credential(&yard, name, "whsec_AAAA\n"));
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    for (name, right) in names.iter().zip(&right) {
        credential(&yard, name, right);
    }
    for webhook in [GENERIC, SERVICENOW] {
        let row = tell(&bridge, webhook, &alert("a-1", "x")).await;
        let row = settled(&bridge, &row).await;
        assert_eq!((row.state, row.attempts), (IntentState::Delivered, 1), "{row:?}");
    }
    assert_eq!(requests(&yard, Operation::ReceiveWebhook), 2, "refused once, then with the new one");
    assert_eq!(yard.simulator.incidents().len(), 1);
    // and it stays in use
    let row = tell(&bridge, GENERIC, &alert("a-2", "x")).await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Delivered);
    assert_eq!(requests(&yard, Operation::ReceiveWebhook), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_try_that_was_cut_off_counts_and_a_person_may_ask_for_one_more() {
    let yard = Yard::with_quick_webhooks().await;
    yard.edit("webhooks/generic.json", "\"maxAttempts\": 3", "\"maxAttempts\": 1");
    yard.simulator
        .set_faults(vec![FaultRule::on([Operation::ReceiveWebhook], FaultAction::Stall { at: 0 })]);
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let row = tell(&bridge, GENERIC, &alert("a-1", "x")).await;
    while yard.effects(EffectKind::ReceiveWebhook).is_empty() {
        tokio::task::yield_now().await;
    }
    bridge.kill().await;
    drop(bridge);
    yard.simulator.set_faults(Vec::new());
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let row = settled(&bridge, &row).await;
    assert_eq!((row.state, row.attempts), (IntentState::Parked, 1), "{row:?}");
    assert!(
        row.detail.as_ref().unwrap().shown().starts_with("given up after 1 of 1 tries"),
        "{row:?}"
    );
    assert_eq!(requests(&yard, Operation::ReceiveWebhook), 1, "no try more than the file allows");
    bridge.ground.outbox.retry(row.id).await.unwrap();
    let row = settled(&bridge, &row).await;
    assert_eq!((row.state, row.attempts), (IntentState::Delivered, 2), "{row:?}");
    assert_eq!(yard.effects(EffectKind::ReceiveWebhook).len(), 1, "the receiver knows it by its id");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_that_two_bridges_made_at_once_is_said_with_the_one_to_close() {
    let yard = Yard::with_quick_webhooks().await;
    let (mut one, mut two) = (yard.bridge("one").await, yard.bridge("two").await);
    one.send().await;
    let row = tell(&one, SERVICENOW, &alert("a-1", "x")).await;
    assert_eq!(settled(&one, &row).await.state, IntentState::Delivered);
    // the second one asked before the first one's request was done
    let nothing = FaultAction::Replace {
        status: 200,
        content_type: "application/json".into(),
        body: br#"{"result":[]}"#.to_vec(),
        when: When::Before,
    };
    yard.simulator
        .set_faults(vec![FaultRule::on([Operation::FindIncidents], nothing.clone()).times(1)]);
    two.send().await;
    let row = tell(&two, SERVICENOW, &alert("a-1", "x")).await;
    let row = settled(&two, &row).await;
    assert_eq!((row.state, yard.simulator.incidents().len()), (IntentState::Delivered, 2));
    let words = row.detail.unwrap();
    assert!(
        words.shown().starts_with("incident INC0010001; another bridge") && words.shown().contains("close incident INC0010002"),
        "{words:?}"
    );
    let doubled = |bridge: &Bridge| {
        let all = bridge.ground.parts.all().into_iter();
        all.filter_map(|(_, health)| health.counts.get("doubled").copied()).sum::<u64>()
    };
    assert_eq!((doubled(&one), doubled(&two)), (0, 1));
    // a table with a unique index refuses the second one: it is there, and that is what was asked for
    yard.simulator.set_faults(vec![
        FaultRule::on([Operation::FindIncidents], nothing).times(1),
        FaultRule::on([Operation::CreateIncident], status(403, When::Before)).times(1),
    ]);
    let mut three = yard.bridge("three").await;
    three.send().await;
    let row = tell(&three, SERVICENOW, &alert("a-1", "x")).await;
    assert_eq!(settled(&three, &row).await.state, IntentState::Delivered);
    assert_eq!(yard.simulator.incidents().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_queued_before_each_webhook_had_a_queue_of_its_own_is_delivered() {
    let yard = Yard::with_quick_webhooks().await;
    let mut bridge = yard.bridge("one").await;
    let settings = bridge.ground.bridge.clone().unwrap();
    let all = load(&settings.outbound, &bridge.ground.env).unwrap();
    let hook = all.iter().find(|hook| hook.name == SLACK).unwrap();
    let submission = Submission {
        intent: hook.message("BEDFORD", &alert("a-1", "x")),
        target: nightdesk::domain::Target {
            origin: hook.origin(),
            ..hook.target("demo")
        },
        grace: std::time::Duration::ZERO,
    };
    let row = bridge.ground.outbox.submit(submission).await.unwrap();
    bridge.send().await;
    assert_eq!(settled(&bridge, &row).await.state, IntentState::Delivered);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_are_tried_again_by_the_files_schedule() {
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    let yard = Yard::with_quick_webhooks().await;
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
    assert_eq!(yard.simulator.traffic().connections, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_is_at_another_host_by_now_is_not_told_there_by_itself() {
    let yard = Yard::with_quick_webhooks().await;
    let bridge = yard.bridge("one").await;
    let row = tell(&bridge, SLACK, &alert("a-1", "x")).await;
    drop(bridge);
    yard.edit("webhooks/slack.json", "https://127.0.0.1", "https://localhost");
    let mut bridge = yard.bridge("one").await;
    bridge.send().await;
    let row = settled(&bridge, &row).await;
    assert_eq!(row.state, IntentState::Parked);
    assert!(row.detail.unwrap().shown().contains("replay it to send it there"));
    assert_eq!(yard.simulator.traffic().connections, 0);
}
