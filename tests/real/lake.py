"""nightdesk export lake against moto (an S3-speaking server, over TLS, with signatures and rights checked), a folder, and
a service that wants IBM IAM's bearer tokens. What was exported is read back by pyarrow and DuckDB and compared, row by row
and by sums, with what this script reads from the simulated plant by itself.

usage: lake.py PATH-OF-NIGHTDESK
"""

import datetime
import hashlib
import http.server
import ipaddress
import json
import math
import os
import pathlib
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

import boto3
import botocore.config
import duckdb
import pyarrow.dataset
import pyarrow.parquet
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

BINARY = pathlib.Path(sys.argv[1]).resolve()
DAY = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)).date()
TYPE = "PumpStation"


def say(words):
    print(f"lake: {words}", flush=True)


def authority(directory):
    """A certificate authority and a certificate for 127.0.0.1, as files."""
    now = datetime.datetime.now(datetime.timezone.utc)
    window = (now - datetime.timedelta(hours=1), now + datetime.timedelta(days=2))
    name = lambda text: x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    build = lambda subject, public: (
        x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name("lake test")).public_key(public)
        .serial_number(x509.random_serial_number()).not_valid_before(window[0]).not_valid_after(window[1]))
    ca = build("lake test", ca_key.public_key()).add_extension(x509.BasicConstraints(True, None), True).sign(ca_key, hashes.SHA256())
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    leaf = (build("127.0.0.1", key.public_key()).add_extension(names, False)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.SERVER_AUTH]), False)
            .sign(ca_key, hashes.SHA256()))
    pem = serialization.Encoding.PEM
    (directory / "s3-ca.pem").write_bytes(ca.public_bytes(pem))
    (directory / "s3.pem").write_bytes(leaf.public_bytes(pem))
    (directory / "s3.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Plant:
    """The simulated plant, and what its API says when this script asks it."""

    def __init__(self, directory):
        self.directory = directory / "plant"
        self.directory.mkdir(mode=0o700)
        self.process = subprocess.Popen(
            [BINARY, "simulate", "--dir", self.directory, "--devices", "60"], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline().startswith("ready "), "the simulator did not start"
        self.url = (self.directory / "url").read_text().strip()
        self.session = requests.Session()
        self.session.trust_env = False  # neither its proxy nor its certificate bundle
        self.session.verify = str(self.directory / "ca.pem")
        self.session.headers["Authorization"] = "ApiKey " + (self.directory / "monitor.key").read_text().strip()

    def get(self, path, **query):
        answer = self.session.get(f"{self.url.rstrip('/')}{path}", params=query, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def rows(self, device_type, day):
        """All rows of the day, device by device: (device, time, {metric: value})."""
        path = f"/api/v1/deviceTypes/{device_type}/devices"
        devices = sorted(device["deviceId"] for device in self.get(path, limit=1000)["results"])
        found = []
        for device in devices:
            data = self.get(f"{path}/{device}/events", start=f"{day}T00:00:00Z",
                            end=f"{day + datetime.timedelta(days=1)}T00:00:00Z", limit=100_000)["data"]
            for row in data:
                at = datetime.datetime.fromisoformat(row.pop("timestamp"))
                found.append((device, at, {name: None if value is None else float(value) for name, value in row.items()}))
        return found


def export(plant, section, *arguments, expect=0, kill_after=None, environment=None):
    """Runs the command with a configuration of its own; the JSON answer, or stderr where it failed."""
    config = plant.directory / f"lake-{secrets.token_hex(4)}.toml"
    config.write_text((plant.directory / "config.toml").read_text() + "\n[profiles.demo.lake]\n" + section)
    command = [BINARY, "--config", config, "--state-dir", plant.directory / "state", "--json", "export", "lake",
               "--type", TYPE, "--date", str(DAY), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, **(environment or {})})
    if kill_after is not None:
        try:
            process.wait(kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return None
    out, error = process.communicate(timeout=300)
    assert process.returncode == expect, f"exit {process.returncode} instead of {expect}: {out}{error}"
    return json.loads(out) if expect == 0 else error


def check(path, expected):
    """The file holds exactly the expected rows, for pyarrow and for DuckDB."""
    metrics = sorted({metric for _, _, values in expected for metric in values})
    file = pyarrow.parquet.ParquetFile(path)
    types = {field.name: str(field.type) for field in file.schema_arrow}
    assert types == {"device_id": "string", "device_type": "string", "timestamp": "timestamp[us, tz=UTC]",
                     **dict.fromkeys(metrics, "double")}, types
    group = file.metadata.row_group(0)
    assert all(group.column(index).compression == "ZSTD" for index in range(group.num_columns))
    assert group.column(2).statistics.has_min_max
    table = file.read()
    found = [(row.pop("device_id"), row.pop("timestamp"), row) for row in table.to_pylist() if row.pop("device_type") == TYPE]
    assert len(found) == table.num_rows
    complete = [(device, at, {metric: values.get(metric) for metric in metrics}) for device, at, values in expected]
    assert found == complete, "pyarrow's rows differ from the plant's"
    relation = duckdb.sql(f"select * from read_parquet('{path}')")
    for metric in metrics:
        values = [value for _, _, row in expected if (value := row.get(metric)) is not None]
        count, total, low, high = duckdb.sql(
            f'select count("{metric}"), sum("{metric}"), min("{metric}"), max("{metric}") from relation').fetchall()[0]
        assert (count, low, high) == (len(values), min(values), max(values)), (metric, count, low, high)
        assert math.isclose(total, math.fsum(values), rel_tol=1e-12), (metric, total, math.fsum(values))
    first, last = duckdb.sql("select epoch_us(min(timestamp)), epoch_us(max(timestamp)) from relation").fetchall()[0]
    micros = lambda at: round(at.timestamp() * 1_000_000)
    assert (first, last) == (micros(min(at for _, at, _ in expected)), micros(max(at for _, at, _ in expected)))
    return len(found)


class Bucket:
    """moto, with two users: one with rights, one without. From then on signatures and policies are checked."""

    def __init__(self, directory):
        self.ca = directory / "s3-ca.pem"
        port = free_port()
        self.url = f"https://127.0.0.1:{port}"
        setup = 7  # calls before it asks who is there
        self.process = subprocess.Popen(
            [pathlib.Path(sys.executable).parent / "moto_server", "-H", "127.0.0.1", "-p", str(port),
             "-c", directory / "s3.pem", "-k", directory / "s3.key"],
            env={**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(setup)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.2)
        root = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
        iam = self.client("iam", root)
        self.client("s3", root).create_bucket(Bucket="plant-lake")
        for user in ("writer", "stranger"):
            iam.create_user(UserName=user)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        iam.put_user_policy(UserName="writer", PolicyName="all", PolicyDocument=json.dumps(policy))
        self.keys = {}
        for user in ("writer", "stranger"):
            made = iam.create_access_key(UserName=user)["AccessKey"]
            self.keys[user] = {"aws_access_key_id": made["AccessKeyId"], "aws_secret_access_key": made["SecretAccessKey"]}
        self.s3 = self.client("s3", self.keys["writer"])

    def client(self, service, keys):
        return boto3.client(service, endpoint_url=self.url, verify=str(self.ca), region_name="us-east-1",
                            config=botocore.config.Config(retries={"total_max_attempts": 1}), **keys)

    def environment(self, user, secret=None):
        keys = self.keys[user]
        return {"LAKE_ACCESS": keys["aws_access_key_id"], "LAKE_SECRET": secret or keys["aws_secret_access_key"]}

    def section(self, extra="", bucket="plant-lake", url=None, ca=None):
        return (f'to = "s3://{bucket}/monitor"\nendpoint = "{url or self.url}"\nca_file = "{ca or self.ca}"\n'
                f'access_key_env = "LAKE_ACCESS"\nsecret_key_env = "LAKE_SECRET"\n{extra}\n')

    def objects(self):
        listed = self.s3.list_objects_v2(Bucket="plant-lake").get("Contents", [])
        return {one["Key"]: self.s3.get_object(Bucket="plant-lake", Key=one["Key"])["Body"].read() for one in listed}

    def clear(self):
        for key in self.objects():
            self.s3.delete_object(Bucket="plant-lake", Key=key)


def bucket_checks(plant, bucket, expected, directory):
    key = f"monitor/{TYPE}/{DAY}/data.parquet"
    writer = bucket.environment("writer")
    for extra in ("", "single_put_mib = 0"):  # in one call; in parts, to a name of its own first
        section = bucket.section(extra)
        answer = export(plant, section, environment=writer)
        assert (answer["bucket"], answer["key"], answer["records"], answer["state"]) == ("plant-lake", key, len(expected), "written")
        assert list(bucket.objects()) == [key], "one object, and nothing of the upload"
        path = directory / "read-back.parquet"
        path.write_bytes(bucket.objects()[key])
        assert check(path, expected) == answer["records"]
        assert export(plant, section, environment=writer)["state"] == "unchanged"
        bucket.s3.put_object(Bucket="plant-lake", Key=key, Body=b"somebody else's")
        assert "--replace" in export(plant, section, expect=8, environment=writer)
        assert bucket.objects()[key] == b"somebody else's", "it stays as it was"
        assert export(plant, section, "--replace", environment=writer)["state"] == "replaced"
        assert bucket.objects()[key] == path.read_bytes()
        bucket.clear()
        say(f"S3 {extra or 'in one call'}: {len(expected)} rows written once, read back alike, compared, replaced when asked")
    section = bucket.section("single_put_mib = 0")
    runs = []
    threads = [threading.Thread(target=lambda: runs.append(export(plant, section, environment=writer)["state"])) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert list(bucket.objects()) == [key] and set(runs) <= {"written", "unchanged"} and len(runs) == 2, runs
    say("two at once: one object")
    bucket.clear()

    error = export(plant, bucket.section(), expect=4, environment=bucket.environment("stranger"))
    assert "403 Forbidden" in error, error
    error = export(plant, bucket.section(), expect=4, environment=bucket.environment("writer", secret="x" * 40))
    assert "403 Forbidden" in error, error
    error = export(plant, bucket.section(bucket="no-such-bucket"), expect=8, environment=writer)
    assert "NoSuchBucket" in error and "s3://no-such-bucket" in error, error
    error = export(plant, bucket.section(url=f"https://127.0.0.1:{free_port()}"), expect=5, environment=writer)
    error = export(plant, bucket.section(ca=plant.directory / "ca.pem"), expect=6, environment=writer)
    assert "ca_file" in error, error
    error = export(plant, bucket.section(url=bucket.url.replace("https", "http")), expect=6, environment=writer)
    assert "https" in error, error
    assert bucket.objects() == {}
    say("no rights, a wrong secret, no bucket, nobody there, an unknown authority, no TLS: each refused with its code")


def folder_checks(plant, expected, directory):
    lake = directory / "lake"
    section = f'to = "file://{lake}"\n'
    answer = export(plant, section)
    path = lake / TYPE / str(DAY) / "data.parquet"
    assert answer["bucket"] == str(lake) and check(path, expected) == answer["records"]
    whole = hashlib.sha256(path.read_bytes()).hexdigest()
    path.unlink()
    for delay in (0.02, 0.1, 0.3, 0.6, 1.0):  # killed wherever it is; started again
        export(plant, section, kill_after=delay)
        files = [file for file in lake.rglob("*") if file.is_file() and "_nightdesk_uploads" not in file.parts]
        assert files in ([], [path]), files
        if files:
            assert hashlib.sha256(path.read_bytes()).hexdigest() == whole, "half a file"
        assert export(plant, section)["state"] in ("written", "unchanged")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == whole
        path.unlink()
    say("folder: killed five times, whole or absent each time, the same bytes after the next run")
    hive = directory / "hive"
    answer = export(plant, f'to = "file://{hive}"\nlayout = "hive"\n')
    assert answer["key"] == f"device_type={TYPE}/date={DAY}/part-00000.parquet", answer
    data = pyarrow.dataset.dataset(hive, format="parquet", partitioning="hive")
    assert data.count_rows(filter=pyarrow.dataset.field("date") == str(DAY)) == len(expected)
    count = duckdb.sql(f"select count(*) from read_parquet('{hive}/**/*.parquet', hive_partitioning = true) "
                       f"where device_type = '{TYPE}' and date = '{DAY}'").fetchall()[0]
    assert count == (len(expected),), count
    say("folder, Hive layout: partitions found by pyarrow and DuckDB")


def bridge_checks(plant, directory):
    """The daily job of the bridge: killed wherever it is, each type's file is there once, and whole."""
    lake, state = directory / "daily", directory / "bridge-state"
    config = plant.directory / "bridge.toml"
    kinds = [TYPE, "Compressor", "Boiler", "CoolingTower"]
    config.write_text((plant.directory / "config.toml").read_text().replace('device_types = ["*"]', f"device_types = {json.dumps(kinds)}")
                      + f'\n[profiles.demo.lake]\nto = "file://{lake}"\nat = "00:00"\n')
    command = [BINARY, "--config", config, "--state-dir", state, "bridge"]
    for delay in (0.1, 0.3, 0.6, 1.0, 1.5):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for _ in range(2):  # to the end; and once more, when nothing is due
        done = subprocess.run([*command, "--once"], capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done
    files = sorted(str(file.relative_to(lake)) for file in lake.rglob("*") if file.is_file() and "_nightdesk_uploads" not in file.parts)
    dates = {file.split("/")[1] for file in files}
    assert dates and files == sorted(f"{kind}/{date}/data.parquet" for kind in kinds for date in dates), files
    for file in files:
        assert pyarrow.parquet.ParquetFile(lake / file).metadata.num_rows > 0
    say(f"bridge: killed five times, then {len(files)} files, each whole and once")


def iam_checks(plant, directory, expected):
    """A service that takes bearer tokens only, and the token endpoint of IAM beside it."""
    state = {"tokens": [], "objects": {}, "calls": [], "revoke": True}

    class Service(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("Content-Length", str(headers.get("length", len(body))))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def do_POST(self):
            form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            good = form == {"grant_type": ["urn:ibm:params:oauth:grant-type:apikey"], "apikey": ["the-api-key"]}
            if self.path != "/identity/token" or not good:
                return self.answer(400, b'{"errorCode":"BXNIM0415E"}')
            state["tokens"].append(secrets.token_urlsafe(24))
            self.answer(200, json.dumps({"access_token": state["tokens"][-1], "token_type": "Bearer", "expires_in": 3600}).encode())

        def allowed(self):
            state["calls"].append((self.command, self.path, self.headers.get("ibm-service-instance-id")))
            if state["tokens"] and self.headers.get("Authorization") == f"Bearer {state['tokens'][-1]}":
                return True
            self.answer(401)
            return False

        def do_HEAD(self):
            if self.allowed():
                body = state["objects"].get(self.path)
                if body is None:
                    return self.answer(404)
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Last-Modified", "Thu, 19 Feb 2026 00:00:00 GMT")
                self.send_header("ETag", '"x"')
                self.end_headers()

        def do_GET(self):
            if self.allowed():
                body = state["objects"].get(self.path)
                self.answer(404) if body is None else self.answer(
                    200, body, Last_Modified="Thu, 19 Feb 2026 00:00:00 GMT", ETag='"x"')

        def do_PUT(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if state["revoke"]:  # the token is taken back once, before its time
                state["revoke"] = False
                state["tokens"].append("another")
            if self.allowed():
                if self.headers.get("If-None-Match") != "*":
                    return self.answer(400)
                if self.path in state["objects"]:
                    return self.answer(412)
                state["objects"][self.path] = body
                self.answer(200, ETag='"x"')

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "s3.pem", directory / "s3.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://127.0.0.1:{server.server_port}"
    section = (f'to = "s3://plant-lake"\nendpoint = "{url}"\nca_file = "{directory / "s3-ca.pem"}"\niam_key_env = "COS_KEY"\n'
               f'iam_url = "{url}/identity/token"\nservice_instance_id = "crn:v1:bluemix:public:cloud-object-storage"\n')
    error = export(plant, section, expect=4, environment={"COS_KEY": "wrong"})
    assert "iam_key" in error and "wrong" not in error, error
    answer = export(plant, section, environment={"COS_KEY": "the-api-key"})
    assert answer["state"] == "written" and not state["revoke"]
    path = directory / "iam.parquet"
    path.write_bytes(state["objects"][f"/plant-lake/{TYPE}/{DAY}/data.parquet"])
    check(path, expected)
    assert export(plant, section, environment={"COS_KEY": "the-api-key"})["state"] == "unchanged"
    assert all(instance == "crn:v1:bluemix:public:cloud-object-storage" for _, _, instance in state["calls"])
    server.shutdown()
    say("IAM: key exchanged, bearer PUT with the service instance, a revoked token renewed, a wrong key refused")


def main():
    with tempfile.TemporaryDirectory() as name:
        directory = pathlib.Path(name)
        authority(directory)
        plant = Plant(directory)
        try:
            expected = plant.rows(TYPE, DAY)
            assert len(expected) > 1_000, "the plant has a day"
            bucket = Bucket(directory)
            try:
                bucket_checks(plant, bucket, expected, directory)
            finally:
                bucket.process.terminate()
            folder_checks(plant, expected, directory)
            bridge_checks(plant, directory)
            iam_checks(plant, directory, expected)
        finally:
            plant.process.terminate()
            plant.process.wait()
    say("all well")


main()
