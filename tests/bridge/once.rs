//! `nightdesk bridge --once`: what is due is done once, and said.

use super::support::{configure, private};
use crate::command::plant::Plant;

/// A plant whose bridge exports one device type into a folder each day.
async fn plant() -> Plant {
    let plant = Plant::start().await;
    let lake = plant.path("the-lake");
    std::fs::create_dir(&lake).unwrap();
    plant.edit("device_types = [\"*\"]", "device_types = [\"CoolingTower\"]");
    configure(
        &plant,
        &format!("[profiles.demo.lake]\nto = \"file://{}\"\nat = \"00:00\"\n", lake.display()),
    );
    plant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_done_once_and_a_second_time_nothing_is() {
    let plant = plant().await;
    let yesterday = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap();
    let first = plant.run(&["bridge", "--once", "--json"]).await.expect(0);
    let item = first.items().into_iter().find(|item| item["job"] == "lake").unwrap();
    assert_eq!(item["result"], "done", "{first:?}");
    assert!(item["said"].as_str().unwrap().starts_with(&yesterday.to_string()), "{item}");
    let file = format!("the-lake/CoolingTower/{yesterday}/data.parquet");
    assert!(plant.path(&file).is_file());
    let second = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(second.stdout.contains("lake: idle: nothing is due"), "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_do_its_work_ends_with_its_kind_of_failure_and_is_due_again() {
    let plant = plant().await;
    let key = std::fs::read_to_string(plant.path("monitor.key")).unwrap();
    private(&plant, "monitor.key", "no-key-of-this-plant\n");
    let refused = plant.run(&["bridge", "--once"]).await.expect(4);
    assert!(refused.stdout.contains("Monitor refused the credential"), "{refused:?}");
    private(&plant, "monitor.key", &key);
    let again = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(again.stdout.contains("lake: done"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_job_of_several_that_fails_ends_with_the_code_for_some_and_each_has_its_line() {
    let plant = plant().await;
    // the lake does its work; the ERP's lines are of no plant
    private(&plant, "erp.key", "a-key\n");
    configure(
        &plant,
        "[profiles.demo.erp]\nurl = \"https://127.0.0.1:1/reports\"\nkey_file = \"erp.key\"\nlines = [\"NO-LINE\"]\nat = \"00:00\"\n",
    );
    let ran = plant.run(&["bridge", "--once", "--json"]).await.expect(9);
    let items = ran.items();
    let result = |job: &str| {
        let item = items.iter().find(|item| item["job"] == job);
        item.unwrap_or_else(|| panic!("no {job}: {ran:?}")).clone()
    };
    assert_eq!(items.len(), 2, "{ran:?}");
    assert_eq!((&result("lake")["result"], &result("lake")["exit"]), (&"done".into(), &0.into()));
    assert_eq!((&result("erp")["result"], &result("erp")["exit"]), (&"failed".into(), &8.into()));
    assert!(result("erp")["said"].as_str().unwrap().contains("NO-LINE"), "{ran:?}");
    // what was done is not due again: the one that failed is then alone, and nothing of several
    let again = plant.run(&["bridge", "--once"]).await.expect(9);
    assert!(
        again.stdout.contains("lake: idle: nothing is due") && again.stdout.contains("erp: failed: "),
        "{again:?}"
    );
}
