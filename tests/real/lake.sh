#!/usr/bin/env bash
# The data lake against a real S3-speaking server, read back by pyarrow and DuckDB. Needs Python 3.11 or later and its package index.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=${CARGO_TARGET_DIR:-target}/real-lake
if ! [ -x "$venv/bin/moto_server" ]; then
    python3 -m venv "$venv"
    # a package index may be busy
    for pause in 5 15 45 0; do
        "$venv/bin/pip" install --quiet 'moto[server]==5.2.5' pyarrow==26.0.1 duckdb==2.0.1 requests==2.34.2 && break
        [ "$pause" -gt 0 ] || exit 1
        sleep "$pause"
    done
fi
# with the tests: the same build as that of `cargo test`, which has just been made
cargo build --locked --quiet --bins --tests
exec "$venv/bin/python" tests/real/lake.py "${CARGO_TARGET_DIR:-target}/debug/nightdesk"
