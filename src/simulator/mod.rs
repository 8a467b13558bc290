//! An embedded Monitor, Manage and token endpoint over TLS on loopback.
