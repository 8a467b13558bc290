//! The shared asynchronous API worker.
