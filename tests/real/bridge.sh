#!/usr/bin/env bash
# The bridge's edge against programs that know nothing of it: promtool reads its metrics, schemathesis exercises its OpenAPI
# document, Python's hmac signs its webhooks. Needs Python 3.11 or later with its package index, and promtool (Debian: prometheus).
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=${CARGO_TARGET_DIR:-target}/real-bridge
if ! [ -x "$venv/bin/schemathesis" ]; then
    python3 -m venv "$venv"
    # a package index may be busy
    for pause in 5 15 45 0; do
        "$venv/bin/pip" install --quiet schemathesis==4.32.5 requests==2.34.2 && break
        [ "$pause" -gt 0 ] || exit 1
        sleep "$pause"
    done
fi
command -v promtool > /dev/null || { echo "promtool is not installed: apt-get install prometheus"; exit 1; }
# with the tests: the same build as that of `cargo test`, which has just been made
cargo build --locked --quiet --bins --tests
exec "$venv/bin/python" tests/real/bridge.py "${CARGO_TARGET_DIR:-target}/debug/nightdesk"
