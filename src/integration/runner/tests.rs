use std::collections::VecDeque;
use std::sync::Mutex;

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;

use super::*;
use crate::integration::{FolderStore, Part};

/// Answers as told, and keeps what it was asked.
struct Scripted {
    timing: Timing,
    script: Mutex<VecDeque<Result<&'static str, JobErrorKind>>>,
    asked: Arc<Mutex<Vec<Option<Date>>>>,
    takes: Duration,
}

impl Job for Scripted {
    fn part(&self) -> Part {
        Part::Lake
    }

    fn name(&self) -> String {
        "lake".into()
    }

    fn timing(&self) -> Timing {
        self.timing.clone()
    }

    fn run(&self, occasion: Occasion) -> BoxFuture<'_, Result<SafeText, JobError>> {
        self.asked.lock().unwrap().push(occasion.day);
        let answer = self.script.lock().unwrap().pop_front().unwrap_or(Ok("done"));
        Box::pin(async move {
            tokio::time::sleep(self.takes).await;
            answer.map(Into::into).map_err(|kind| JobError::new(kind, "scripted"))
        })
    }
}

/// A bridge of a test: wall time starts at a given moment and goes with tokio's clock.
struct Bench {
    store: Arc<dyn JobStore>,
    parts: Parts,
    board: Board,
    clock: WallClock,
    asked: Arc<Mutex<Vec<Option<Date>>>>,
}

impl Bench {
    fn new(folder: &std::path::Path, wall: &str) -> Self {
        let (wall, start): (Timestamp, _) = (wall.parse().unwrap(), Instant::now());
        Self {
            store: Arc::new(FolderStore::open(folder).unwrap()),
            parts: Parts::default(),
            board: Board::default(),
            clock: WallClock::new(move || wall + jiff::SignedDuration::try_from(start.elapsed()).unwrap()),
            asked: Arc::default(),
        }
    }

    fn runner(&self, timing: Timing, script: &[Result<&'static str, JobErrorKind>], takes: Duration) -> Runner {
        let job = Scripted {
            timing,
            script: Mutex::new(script.iter().copied().collect()),
            asked: Arc::clone(&self.asked),
            takes,
        };
        Runner::new(
            Box::new(job),
            Arc::clone(&self.store),
            self.parts.clone(),
            self.board.clone(),
            self.clock.clone(),
        )
    }

    fn asked(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .map(|day| day.map_or_else(|| "-".to_owned(), |day| day.to_string()))
            .collect()
    }

    fn doing(&self) -> Doing {
        self.board.all()[0].1.doing
    }
}

fn nightly() -> Timing {
    Timing::Daily {
        at: "00:15".parse().unwrap(),
        zone: TimeZone::UTC,
        day_zone: TimeZone::UTC,
    }
}

const SHORT: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_daily_job_runs_at_its_time_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::new(dir.path(), "2026-02-18T23:00:00Z");
    let runner = bench.runner(nightly(), &[], SHORT);
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(runner.run(stopped));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.asked(), ["2026-02-17"], "the first start does the newest day");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(bench.asked().len(), 1, "not before its time");
    tokio::time::sleep(Duration::from_secs(16 * 60)).await;
    assert_eq!(bench.asked(), ["2026-02-17", "2026-02-18"]);
    tokio::time::sleep(Duration::from_secs(3 * 24 * 3600)).await;
    assert_eq!(bench.asked().len(), 5, "each night once");
    stop.send(true).unwrap();
    task.await.unwrap();
    assert_eq!(bench.doing(), Doing::Stopped);
}

#[tokio::test(start_paused = true)]
async fn days_that_failed_come_again_and_hold_no_other_up() {
    let dir = tempfile::tempdir().unwrap();
    let first = Bench::new(dir.path(), "2026-02-18T12:00:00Z");
    assert_eq!(
        first.runner(nightly(), &[], SHORT).once().await,
        Pass::Done("2026-02-17: done".into())
    );
    assert_eq!(first.runner(nightly(), &[], SHORT).once().await, Pass::Idle);
    // three days later; the second of them is refused
    let later = Bench::new(dir.path(), "2026-02-21T12:00:00Z");
    let runner = later.runner(nightly(), &[Ok("a"), Err(JobErrorKind::Refused), Ok("c")], SHORT);
    let Pass::Failed(error) = runner.once().await else {
        panic!("one failed")
    };
    assert_eq!(error.kind, JobErrorKind::Partly);
    assert_eq!(later.asked(), ["2026-02-18", "2026-02-19", "2026-02-20"]);
    assert_eq!(runner.once().await, Pass::Done("2026-02-19: done".into()), "only what is not done");
    let [(_, health)] = &later.parts.all()[..] else {
        panic!("one line")
    };
    assert_eq!((health.runs, health.successes, health.failures), (4, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_cause_that_is_not_the_day_is_met_thrice_and_then_waited_out() {
    let dir = tempfile::tempdir().unwrap();
    Bench::new(dir.path(), "2026-02-01T12:00:00Z")
        .runner(nightly(), &[], SHORT)
        .once()
        .await;
    let bench = Bench::new(dir.path(), "2026-02-11T12:00:00Z");
    let down = [Err(JobErrorKind::Server); 9];
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(bench.runner(nightly(), &down, SHORT).run(stopped));
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(bench.asked().len(), 3);
    assert_eq!(bench.doing(), Doing::TryingAgain);
    // three passes fail, with 30 s, 60 s and 120 s between them; then it works
    tokio::time::sleep(Duration::from_secs(360)).await;
    assert_eq!(bench.asked().len(), 9 + 10);
    stop.send(true).unwrap();
    task.await.unwrap();
    let [(_, health)] = &bench.parts.all()[..] else {
        panic!("one line")
    };
    assert_eq!((health.successes, health.failures), (10, 9));
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_waits_half_an_hour_and_keeps_no_day_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    Bench::new(dir.path(), "2026-02-01T12:00:00Z")
        .runner(nightly(), &[], SHORT)
        .once()
        .await;
    let bench = Bench::new(dir.path(), "2026-02-06T12:00:00Z");
    let refused = [Err(JobErrorKind::Refused); 10];
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(bench.runner(nightly(), &refused, SHORT).run(stopped));
    tokio::time::sleep(Duration::from_secs(29 * 60)).await;
    assert_eq!(bench.asked().len(), 5, "each of the five days once");
    assert_eq!(bench.doing(), Doing::TryingAgain);
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert_eq!(bench.asked().len(), 10);
    tokio::time::sleep(Duration::from_secs(30 * 60)).await;
    assert_eq!(bench.asked().len(), 15);
    assert_eq!(bench.doing(), Doing::Waiting);
    stop.send(true).unwrap();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    Bench::new(dir.path(), "2026-02-01T12:00:00Z")
        .runner(nightly(), &[], SHORT)
        .once()
        .await;
    let killed = Bench::new(dir.path(), "2026-02-04T12:00:00Z");
    let runner = killed.runner(nightly(), &[], Duration::from_secs(60));
    // the second of three days is under way
    let cut = tokio::time::timeout(Duration::from_secs(90), runner.once()).await;
    assert!(cut.is_err());
    drop(runner);
    let [(_, health)] = &killed.parts.all()[..] else {
        panic!("one line")
    };
    assert_eq!((health.successes, health.failures), (1, 1), "cut off");
    let again = Bench::new(dir.path(), "2026-02-04T12:05:00Z");
    again.runner(nightly(), &[], SHORT).once().await;
    assert_eq!(again.asked(), ["2026-02-02", "2026-02-03"]);
}

#[tokio::test(start_paused = true)]
async fn over_two_bridges_one_runs_and_the_other_takes_over() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (
        Bench::new(dir.path(), "2026-02-18T12:00:00Z"),
        Bench::new(dir.path(), "2026-02-18T12:00:00Z"),
    );
    let every = Timing::Every(Duration::from_secs(10));
    let (stop_one, stopped_one) = watch::channel(false);
    let (stop_two, stopped_two) = watch::channel(false);
    let first = tokio::spawn(one.runner(every.clone(), &[], SHORT).run(stopped_one));
    tokio::time::sleep(SHORT / 2).await;
    let second = tokio::spawn(two.runner(every.clone(), &[], SHORT).run(stopped_two));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(one.asked().len() >= 5, "{:?}", one.asked());
    assert_eq!(two.asked().len(), 0);
    assert_eq!(two.doing(), Doing::StandingBy);
    assert_eq!(two.runner(every, &[], SHORT).once().await, Pass::Elsewhere);
    stop_one.send(true).unwrap();
    first.await.unwrap();
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert!(!two.asked().is_empty());
    stop_two.send(true).unwrap();
    second.await.unwrap();

    // a daily job of two bridges: each day once
    let (one, two) = (
        Bench::new(dir.path(), "2026-02-18T12:00:00Z"),
        Bench::new(dir.path(), "2026-02-18T12:00:00Z"),
    );
    let (left, right) = (one.runner(nightly(), &[], SHORT), two.runner(nightly(), &[], SHORT));
    let (left, right) = tokio::join!(left.once(), right.once());
    assert_eq!(one.asked().len() + two.asked().len(), 1);
    assert!(
        [&left, &right].contains(&&Pass::Elsewhere) || [&left, &right].contains(&&Pass::Idle),
        "{left:?} {right:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stop_lets_a_run_end_and_begins_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::new(dir.path(), "2026-02-18T12:00:00Z");
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(bench.runner(Timing::Every(SHORT), &[], Duration::from_secs(10)).run(stopped));
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.send(true).unwrap();
    task.await.unwrap();
    let [(_, health)] = &bench.parts.all()[..] else {
        panic!("one line")
    };
    assert_eq!((health.runs, health.successes, health.failures), (1, 1, 0));
    // one that does not end is cut off, and says so
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(bench.runner(Timing::Every(SHORT), &[], Duration::from_secs(3600)).run(stopped));
    tokio::time::sleep(Duration::from_secs(5)).await;
    stop.send(true).unwrap();
    task.await.unwrap();
    let [(_, health)] = &bench.parts.all()[..] else {
        panic!("one line")
    };
    assert_eq!((health.runs, health.failures), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_stop_between_two_days_leaves_the_second_for_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    Bench::new(dir.path(), "2026-02-01T12:00:00Z")
        .runner(nightly(), &[], SHORT)
        .once()
        .await;
    let bench = Bench::new(dir.path(), "2026-02-05T12:00:00Z");
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(bench.runner(nightly(), &[], Duration::from_secs(8)).run(stopped));
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.send(true).unwrap();
    task.await.unwrap();
    assert_eq!(bench.asked(), ["2026-02-01"], "of four");
    let again = Bench::new(dir.path(), "2026-02-05T12:05:00Z");
    again.runner(nightly(), &[], SHORT).once().await;
    assert_eq!(again.asked(), ["2026-02-02", "2026-02-03", "2026-02-04"]);
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_cannot_be_read_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::new(dir.path(), "2026-02-18T12:00:00Z");
    bench.store.replace("lake.days.json", b"{\"through\":7").unwrap();
    assert_eq!(
        bench.runner(nightly(), &[], SHORT).once().await,
        Pass::Done("2026-02-17: done".into())
    );
}
