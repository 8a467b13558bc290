//! The console's core: events in, effects out.
