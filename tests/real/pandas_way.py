"""The day that `nightdesk export lake` streams, as one would write it by hand: everything fetched, one DataFrame, to_parquet.
For the comparison of time and memory only.

usage: pandas_way.py SIMULATOR_DIR TYPE DATE OUT.parquet
"""

import datetime
import io
import pathlib
import resource
import sys
import time

import pandas
import requests

directory, device_type, date, out = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
url = (directory / "url").read_text().strip().rstrip("/")
session = requests.Session()
session.trust_env = False
session.verify = str(directory / "ca.pem")
session.headers["Authorization"] = "ApiKey " + (directory / "monitor.key").read_text().strip()

began = time.monotonic()
devices, offset = [], 0
while True:
    page = session.get(f"{url}/api/v1/deviceTypes/{device_type}/devices", params={"limit": 1000, "offset": offset}).json()
    devices += [device["deviceId"] for device in page["results"]]
    offset += len(page["results"])
    if not page["results"] or offset >= page["totalCount"]:
        break
end = datetime.date.fromisoformat(date) + datetime.timedelta(days=1)
records = []
for first in range(0, len(devices), 50):
    answer = session.post(f"{url}/api/v1/data/query", json={
        "deviceType": device_type, "devices": devices[first:first + 50], "metrics": [],
        "timeRange": {"start": f"{date}T00:00:00Z", "end": f"{end}T00:00:00Z"}})
    answer.raise_for_status()
    records += answer.json()["data"]
fetched = time.monotonic()
frame = pandas.DataFrame(records)
frame["timestamp"] = pandas.to_datetime(frame["timestamp"])
buffer = io.BytesIO()
frame.to_parquet(buffer, compression="zstd")
pathlib.Path(out).write_bytes(buffer.getvalue())
ended = time.monotonic()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"{len(frame)} rows, {len(buffer.getvalue())} bytes; {fetched - began:.1f} s to fetch, {ended - fetched:.1f} s to write; peak {peak:.0f} MiB")
