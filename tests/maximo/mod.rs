//! Tests of the maximo room.
