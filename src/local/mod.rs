//! What is kept on this machine for the console: last known data and drafts.
