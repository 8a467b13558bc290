//! The only room that knows Maximo's wire.
