#!/usr/bin/env bash
# 5,000 devices, a reading a minute, four metrics: 7.2 million rows. figures.sh NIGHTDESK PYTHON
set -euo pipefail
B=$1; PY=$2; W=$(mktemp -d /var/tmp/figures.XXXX); D=$(date -u -d '5 days ago' +%F)
"$B" simulate --dir "$W/plant" --devices 93750 > "$W/sim.log" & S=$!
trap 'kill $S; rm -rf "$W"' EXIT
until grep -q ready "$W/sim.log"; do sleep 1; done
export NIGHTDESK_STATE_DIR=$W/state
/usr/bin/time -v "$B" --config "$W/plant/config.toml" export lake --type Compressor --date "$D" --to "file://$W/lake" --json 2> "$W/time.log"
grep -E "Maximum resident|Elapsed|User time|System time" "$W/time.log"
/usr/bin/time -v "$PY" "$(dirname "$0")/pandas_way.py" "$W/plant" Compressor "$D" "$W/pandas.parquet" 2> "$W/ptime.log" || tail -3 "$W/ptime.log"
grep -E "Maximum resident|Elapsed|User time|System time" "$W/ptime.log"
"$PY" - "$W" "$D" <<'PY'
import sys, duckdb
w, d = sys.argv[1:]
q = "select count(*), count(distinct device_id), sum(discharge_pressure), sum(load), sum(motor_current), sum(oil_temp) from '{}'"
print("nightdesk", duckdb.sql(q.format(f"{w}/lake/Compressor/{d}/data.parquet")).fetchall())
print("pandas   ", duckdb.sql(q.replace("device_id", '"deviceId"').format(f"{w}/pandas.parquet")).fetchall())
PY
