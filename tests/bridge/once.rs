//! `nightdesk bridge --once`: what is due is done once, and said.

use super::support::{configure, private};
use crate::command::plant::Plant;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_done_once_and_a_second_time_nothing_is() {
    let plant = Plant::start().await;
    let lake = plant.path("the-lake");
    std::fs::create_dir(&lake).unwrap();
    plant.edit("device_types = [\"*\"]", "device_types = [\"CoolingTower\"]");
    configure(
        &plant,
        &format!("[profiles.demo.lake]\nto = \"file://{}\"\nat = \"00:00\"\n", lake.display()),
    );
    let yesterday = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().unwrap();
    let first = plant.run(&["bridge", "--once", "--json"]).await.expect(0);
    let item = first.items().into_iter().find(|item| item["job"] == "lake").unwrap();
    assert_eq!(item["result"], "done", "{first:?}");
    assert!(item["said"].as_str().unwrap().starts_with(&yesterday.to_string()), "{item}");
    assert!(lake.join(format!("CoolingTower/{yesterday}/data.parquet")).is_file());
    let second = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(second.stdout.contains("lake: idle: nothing is due"), "{second:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_cannot_do_its_work_ends_with_its_kind_of_failure_and_is_due_again() {
    let plant = Plant::start().await;
    let lake = plant.path("the-lake");
    std::fs::create_dir(&lake).unwrap();
    plant.edit("device_types = [\"*\"]", "device_types = [\"CoolingTower\"]");
    configure(
        &plant,
        &format!("[profiles.demo.lake]\nto = \"file://{}\"\nat = \"00:00\"\n", lake.display()),
    );
    let key = std::fs::read_to_string(plant.path("monitor.key")).unwrap();
    private(&plant, "monitor.key", "no-key-of-this-plant\n");
    let refused = plant.run(&["bridge", "--once"]).await.expect(4);
    assert!(refused.stdout.contains("Monitor refused the credential"), "{refused:?}");
    private(&plant, "monitor.key", &key);
    let again = plant.run(&["bridge", "--once"]).await.expect(0);
    assert!(again.stdout.contains("lake: done"), "{again:?}");
}
