//! nightdesk: a terminal operations console, and the integrations around it, for IBM Maximo Monitor and Manage.

pub mod app;
pub mod command;
pub mod config;
pub mod domain;
pub mod local;
pub mod maximo;
pub mod model;
pub mod outbox;
pub mod pane;
pub mod simulator;
pub mod tui;
pub mod worker;
