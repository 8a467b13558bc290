//! nightdesk: a terminal operations console, and the integrations around it, for plants that watch their machines
//! with IBM Maximo Monitor and maintain them with IBM Maximo Manage.
//!
//! # The map
//!
//! | Room | What it is | May use |
//! |---|---|---|
//! | [`domain`] | pure types and rules: alerts, devices, readings, work orders, intents, the filter language, triage order, alarm load; no I/O, no clock | – |
//! | [`outbox`] | the durable journal of what people asked for, its sender, verification, the audit chain; alone opens its database | domain |
//! | [`maximo`] | the client of Monitor and Manage; alone knows a path, a header or a wire field; implements `outbox::Deliver` | domain, outbox |
//! | [`model`] | the console's vocabulary: events, actions, effects, the store of server data with its freshness | domain |
//! | [`config`] | defaults < file < environment < flags; profiles, credentials, keymap, themes | domain, model |
//! | [`local`] | what this machine keeps for the console: last known data, drafts | domain, model |
//! | [`worker`] | the shared asynchronous API worker: bounded requests in, reports out | domain, model, maximo |
//! | [`pane`] | alert queue, device list, metrics, detail, forms: state, update and drawing of one thing together | domain, model, config |
//! | [`app`] | the core: `update(event) -> effects`, layers and focus; no I/O, no clock | domain, model, config, pane |
//! | [`tui`] | alone touches the terminal: guard, input, output thread, frames, effect driver | all of the above but maximo |
//! | [`integration`] | the bridge: rules, webhooks out and in, data lake, ERP, asset sync, facility API, schedule, server | domain, config, local, outbox, maximo |
//! | [`simulator`] | an embedded Monitor, Manage and token endpoint over TLS on loopback; shares no wire code with `maximo`, or a mistake in one would hide in the other | domain |
//! | [`cli`] | the command line's types, no logic | config, domain |
//! | [`command`] | one file a subcommand: joins the rooms, text or JSON | all |
//!
//! `tests/rooms.rs` holds these lines.
//!
//! # Invariants
//!
//! 1. `app` is synchronous and total: events with their time in, state change and effects out.
//! 2. One task owns `App`; everyone else sends messages. Every channel, cache and body is bounded.
//! 3. One way to write to Maximo: an intent is committed to the outbox, the sender delivers it.
//! 4. Selection, marks and pending actions hold ids, never an index.
//! 5. The loop awaits no I/O, and the terminal's output has a thread of its own.
//! 6. Rendering reads state and writes cells; nothing changed means no byte.
//! 7. Text from a server is hostile until it is a [`domain::SafeText`].
//! 8. HTTPS for every call, loopback included.
//!
//! # One key press
//!
//! `a` on the queue: [`tui`] reads the key → `Event::Key` → [`app`] asks the keymap what it means there
//! (`Action::Acknowledge`) → the top overlay, else the focused pane, else the app itself turns it into
//! `Effect::Submit(Intent::Acknowledge)` → the driver in [`tui`] hands it to [`outbox`], which commits it and
//! answers (`Event::Submitted`: the row says *queued*) → the sender takes it when its undo grace is over →
//! [`maximo`] PUTs it and checks the answer → the row's new state comes back as `Event::Outbox`: the row says
//! who and when.

pub mod app;
pub mod cli;
pub mod command;
pub mod config;
pub mod domain;
pub mod integration;
pub mod local;
pub mod maximo;
pub mod model;
pub mod outbox;
pub mod pane;
pub mod simulator;
pub mod tui;
pub mod worker;
