//! The fault matrix: the whole road from an intent to the server's ledger, with the network and the server failing
//! on the way. The ledger is the judge: of all that was acknowledged to the person nothing is lost, nothing doubled.
//!
//! `cargo test row_` runs all of it. Where the rows are (paths below `tests/`, or a unit test's module):
//!
//! | Row | What | Where: tests named `row_NN_...` in |
//! |---|---|---|
//! | 1 | answer lost after the commit | `faults::answers` |
//! | 2 | the same, longer than the transaction id lives | `faults::answers` |
//! | 3 | 500 after the commit | `faults::answers` |
//! | 4 | 5xx before the commit, no burst afterwards | `faults::outages` |
//! | 5 | 429, 503 and `Retry-After`, by the sender's clock | `faults::throttle`, `faults::outages` |
//! | 6 | spoilt success answers | `faults::answers` |
//! | 7 | wrong JSON | `faults::answers` |
//! | 8 | tokens expire, a refresh fails, a key is refused | `faults::outages` |
//! | 9 | 400, 403, 404, 422 among good ones | `faults::refusals` |
//! | 10 | 409, 412, somebody else was first | `faults::refusals` |
//! | 11 | unknown name, refused, black hole, stall, endless, gzip bomb | `faults::outages` |
//! | 12 | clock jumps | `outbox::clock` |
//! | 13 | redirects and foreign hrefs | `faults::elsewhere` |
//! | 14 | certificates, plain http, old TLS | `faults::tls` |
//! | 15 | hostile values | `faults::hostile`; properties in `nightdesk::maximo::call`, `where_clause`, `href` |
//! | 16 | `kill -9` at eight points and three more, 25 times each | `outbox::kill` |
//! | 16 | random kills with lost answers; the soak | `outbox::rivals` |
//! | 17 | two consoles and a drain, the sender killed; people who change their minds | `outbox::rivals`, `outbox::people` |
//! | 18 | disk full, read-only, failed fsync | `outbox::disk`; `nightdesk::outbox::failing_store_tests` |
//! | 19 | database and log cut, broken, flipped, removed | `outbox::damage` |
//! | 20 | migration killed, newer schema | `outbox::kill`, `outbox::place`; `nightdesk::outbox::schema` |
//! | 21 | modes, links, owners, network file systems | `outbox::place`; `nightdesk::outbox::directory` |
//! | 22 | 10,000 queued rows | `nightdesk::outbox::large_outbox_tests` |
//! | 23 | hostile text in every field: views, title, clipboard; bytes to a terminal, headless output, log | `console::hostile`, `e2e::hostile` |
//! | 24 | random keys, pastes and resizes, 100 seeds | `console::random` |
//! | 25 | every signal, a panic while drawing, sizes, no terminal | `e2e::signals` |
//! | 26 | secrets as canaries | `faults::secrets`; the console and its drain: `e2e::secrets` |
//! | 27 | audit edited, reordered, cut | `outbox::audit` |

mod answers;
mod elsewhere;
mod hostile;
mod outages;
mod refusals;
pub mod secrets;
pub(crate) mod site;
mod throttle;
mod tls;
