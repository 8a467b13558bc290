//! Drafts on their way to disk: the newest text of each, when the typing paused; and views and links, at once.

use std::collections::HashMap;
use std::sync::mpsc as blocking;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::local::{Drafts, LocalError, Memos};
use crate::model::{Draft, DraftKey, Event, Memo};

/// A draft is written when nothing was typed for so long.
const QUIET: Duration = Duration::from_millis(300);
/// And at the latest so long after the first key that is not on disk.
const LATEST: Duration = Duration::from_secs(3);
/// Writes that may wait for the disk.
const WAITING_MAX: usize = 64;

/// The texts that are not on disk yet.
#[derive(Debug, Default)]
pub(super) struct Typing {
    waiting: HashMap<DraftKey, Waiting>,
}

#[derive(Debug)]
struct Waiting {
    /// `None` forgets it.
    draft: Option<Draft>,
    first: Instant,
    due: Instant,
}

impl Typing {
    pub(super) fn save(&mut self, draft: Draft, now: Instant) {
        let key = draft.key.clone();
        let first = match self.waiting.get(&key) {
            Some(Waiting { draft: Some(_), first, .. }) => *first,
            _ => now,
        };
        let due = (now + QUIET).min(first + LATEST);
        let draft = Some(draft);
        self.waiting.insert(key, Waiting { draft, first, due });
    }

    /// Forgotten at once: what was sent must not be offered again.
    pub(super) fn forget(&mut self, key: DraftKey, now: Instant) {
        let waiting = Waiting {
            draft: None,
            first: now,
            due: now,
        };
        self.waiting.insert(key, waiting);
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.values().map(|waiting| waiting.due).min()
    }

    /// What is due now.
    fn take(&mut self, now: Instant) -> Vec<Write> {
        let due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, waiting)| waiting.due <= now)
            .map(|(key, _)| key.clone())
            .collect();
        due.into_iter()
            .filter_map(|key| {
                let waiting = self.waiting.remove(&key)?;
                Some(waiting.draft.map_or(Write::Forget(key), Write::Save))
            })
            .collect()
    }
}

#[derive(Debug)]
enum Write {
    Save(Draft),
    Forget(DraftKey),
    Memo(Memo),
    Flush(blocking::SyncSender<()>),
}

/// The thread that writes drafts.
#[derive(Debug)]
pub(super) struct Keeper {
    typing: Typing,
    /// Views and links that the thread has not taken yet: the newest.
    memo: Option<Memo>,
    writes: blocking::SyncSender<Write>,
}

impl Keeper {
    /// Starts it; failures come as notices, one in a row.
    pub(super) fn start(drafts: Option<Drafts>, memos: Option<Memos>, events: mpsc::Sender<Event>) -> std::io::Result<Self> {
        let (writes, receiver) = blocking::sync_channel(WAITING_MAX);
        thread::Builder::new().name("drafts".into()).spawn(move || {
            let mut failing = false;
            for write in receiver {
                let of_draft = |write: &dyn Fn(&Drafts) -> Result<(), LocalError>| drafts.as_ref().map_or(Ok(()), write);
                let (what, result) = match write {
                    Write::Save(draft) => ("the draft is not kept", of_draft(&|drafts| drafts.save(&draft))),
                    Write::Forget(key) => ("the draft is not forgotten", of_draft(&|drafts| drafts.forget(&key))),
                    Write::Memo(memo) => (
                        "views and links are not kept",
                        memos.as_ref().map_or(Ok(()), |memos| memos.save(&memo)),
                    ),
                    Write::Flush(done) => {
                        let _ = done.send(()); // nobody waits any more
                        continue;
                    }
                };
                if let Err(error) = &result
                    && !failing
                {
                    let text = format!("{what}: {error}");
                    let _ = events.try_send(Event::Notice { text, failed: true }); // a full loop hears of the next one
                }
                failing = result.is_err();
            }
        })?;
        Ok(Self {
            typing: Typing::default(),
            memo: None,
            writes,
        })
    }

    pub(super) fn save(&mut self, draft: Draft, now: Instant) {
        self.typing.save(draft, now);
    }

    pub(super) fn forget(&mut self, key: DraftKey, now: Instant) {
        self.typing.forget(key, now);
        self.pass(now);
    }

    /// Keeps views and links.
    pub(super) fn keep(&mut self, memo: Memo) {
        self.memo = Some(memo);
        self.pass_memo();
    }

    fn pass_memo(&mut self) {
        let Some(memo) = self.memo.take() else { return };
        if let Err(blocking::TrySendError::Full(Write::Memo(memo))) = self.writes.try_send(Write::Memo(memo)) {
            self.memo = Some(memo); // the next turn or the flush takes it
        }
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.typing.due()
    }

    /// Hands what is due to the thread, without waiting: with a slow disk it is tried again a little later.
    pub(super) fn pass(&mut self, now: Instant) {
        self.pass_memo();
        for write in self.typing.take(now) {
            match self.writes.try_send(write) {
                Ok(()) | Err(blocking::TrySendError::Disconnected(_) | blocking::TrySendError::Full(Write::Flush(_) | Write::Memo(_))) => {}
                Err(blocking::TrySendError::Full(Write::Save(draft))) => self.typing.save(draft, now),
                Err(blocking::TrySendError::Full(Write::Forget(key))) => self.typing.forget(key, now + QUIET),
            }
        }
    }

    /// Writes everything now and waits for it, at most so long.
    pub(super) fn flush(&mut self, at_most: Duration) {
        let memo = self.memo.take().map(Write::Memo);
        for write in self.typing.take(Instant::now() + LATEST).into_iter().chain(memo) {
            if self.writes.send(write).is_err() {
                return;
            }
        }
        let (done, wait) = blocking::sync_channel(1);
        if self.writes.send(Write::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(at_most); // the disk is slower than we may wait
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use crate::local::Scope;

    use super::*;

    fn draft(text: &str) -> Draft {
        Draft {
            key: DraftKey {
                form: "note".into(),
                profile: "p".into(),
                alerts: vec!["a".into()],
            },
            fields: vec![("note".into(), text.into())],
            saved_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn typing_is_written_when_it_pauses_and_at_the_latest_after_three_seconds() {
        let mut typing = Typing::default();
        let start = Instant::now();
        let mut text = String::new();
        for _ in 0..5 {
            text.push('x');
            typing.save(draft(&text), Instant::now());
            assert!(typing.take(Instant::now()).is_empty());
            tokio::time::advance(Duration::from_millis(200)).await;
        }
        assert_eq!(typing.due(), Some(start + Duration::from_millis(800) + QUIET));
        tokio::time::advance(Duration::from_millis(100)).await;
        let written = typing.take(Instant::now());
        assert!(
            matches!(&written[..], [Write::Save(saved)] if *saved == draft("xxxxx")),
            "{written:?}"
        );
        assert_eq!(typing.due(), None);

        let start = Instant::now();
        while typing.take(Instant::now()).is_empty() {
            typing.save(draft("never quiet"), Instant::now());
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(start.elapsed(), LATEST);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_forgotten_does_not_come_back() {
        let mut typing = Typing::default();
        typing.save(draft("half"), Instant::now());
        typing.forget(draft("").key, Instant::now());
        let written = typing.take(Instant::now());
        assert!(matches!(&written[..], [Write::Forget(_)]), "{written:?}");
        assert_eq!(typing.due(), None);
    }

    #[test]
    fn a_flush_leaves_everything_on_disk() {
        let dir = tempfile::tempdir().unwrap();
        let scope = Scope {
            profile: "p".into(),
            origin: "o".into(),
        };
        let drafts = Drafts::open(dir.path(), &scope).unwrap();
        let (events, _receiver) = mpsc::channel(1);
        let mut keeper = Keeper::start(Some(drafts.clone()), None, events).unwrap();
        keeper.save(draft("half a line"), Instant::now());
        keeper.flush(Duration::from_secs(60));
        assert_eq!(drafts.found().0, [draft("half a line")]);
        keeper.forget(draft("").key, Instant::now());
        keeper.flush(Duration::from_secs(60));
        assert!(drafts.found().0.is_empty());
    }
}
