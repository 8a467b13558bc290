//! Named points of the journal at which a test can end the process as `kill -9` does: in debug builds only, a release
//! has nothing of it.
//!
//! `NIGHTDESK_KILL_AT=POINT:N` kills at the N-th passage of a point, `any:N` at the N-th passage of whichever. The points:
//!
//! | Point | Where |
//! |---|---|
//! | `submit-commit`, `submit-committed` | just before an intent's commit; after it, before the person is answered |
//! | `begin-committed` | `sending` is committed, no byte has left |
//! | `answer-commit`, `answer-committed` | the server answered and nothing is written; it is written |
//! | `anchor` | after any commit, before the audit's anchor follows |
//! | `take-over-commit` | a new sender, just before its tenure is committed |
//! | `repair-commit` | the repair at the start, just before its commit |
//! | `trim-commit` | ended rows are about to leave the history |
//! | `migrate-commit`, `migrate-committed` | a step of the schema, just before and after its commit |
//! | `salvage-built`, `salvage-moving`, `salvage-placing` | the new database is complete; between two files that are moved aside; before it gets its name |

#[cfg(debug_assertions)]
pub(super) use armed::point;

/// Nothing, in a release.
#[cfg(not(debug_assertions))]
#[inline]
pub(super) fn point(_name: &str) {}

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static ORDER: OnceLock<Option<(String, u64)>> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Ends the process here, if it was asked for.
    pub(in super::super) fn point(name: &str) {
        let order = ORDER.get_or_init(|| {
            let asked = std::env::var("NIGHTDESK_KILL_AT").ok()?;
            let (point, passage) = asked.split_once(':')?;
            Some((point.to_owned(), passage.parse().ok()?))
        });
        let Some((wanted, passage)) = order else { return };
        if (wanted == name || wanted == "any") && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *passage {
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            loop {
                std::thread::park(); // the signal is on its way: nothing more is done
            }
        }
    }
}
