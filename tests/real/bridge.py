"""nightdesk bridge on the simulated plant, seen from outside: TLS, webhooks signed by Python, metrics read by promtool,
the OpenAPI document exercised by schemathesis.

usage: bridge.py PATH-OF-NIGHTDESK
"""

import hashlib
import hmac
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import tempfile

import requests

BINARY = pathlib.Path(sys.argv[1]).resolve()
HERE = pathlib.Path(__file__).resolve().parent
KEY, SECRET = secrets.token_urlsafe(24), secrets.token_hex(32)


def say(words):
    print(f"bridge: {words}", flush=True)


def private(path, text):
    path.touch(mode=0o600)
    path.write_text(text)


def start(*arguments, **options):
    """Starts a process of ours, and waits for its `ready`."""
    child = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, text=True, **options)
    line = child.stdout.readline().split()
    assert line and line[0] == "ready", line
    return child, line[-1]


def end(child):
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=60) == 0, child.returncode


def sign(body):
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def webhooks(session, url, ledger):
    body = json.dumps({"type": "maintenance_complete", "deviceType": "PumpStation", "deviceId": "PUMP-017",
                       "timestamp": "2026-02-19T10:00:00Z", "technician": "Zoë Ångström"}).encode()
    post = lambda body, signature: session.post(f"{url}/webhook/inbound", data=body, headers={"X-Webhook-Signature": signature})
    for signature in (sign(body), f"sha256={sign(body)}"):
        answer = post(body, signature)
        assert (answer.status_code, answer.json()) == (200, {"status": "processed"}), answer.text
    for at in range(len(body) * 8):
        flipped = bytearray(body)
        flipped[at // 8] ^= 1 << at % 8
        answer = post(bytes(flipped), sign(body))
        assert (answer.status_code, answer.json()) == (401, {"error": "Invalid signature"}), (at, answer.text)
    state = ledger.parent / "state"
    subprocess.run([BINARY, "--config", ledger.parent / "config.toml", "--state-dir", state, "outbox", "drain"], check=True,
                             stdout=subprocess.DEVNULL)
    effects = [entry for entry in map(json.loads, ledger.read_text().splitlines()) if entry["effect"] == "update_metadata"]
    assert len(effects) == 1, effects
    assert "Zoë Ångström" in json.dumps(effects[0], ensure_ascii=False), effects
    say(f"a webhook signed by Python's hmac has one effect; {len(body) * 8} bodies with one bit off are refused")


def metrics(session, url):
    text = session.get(f"{url}/metrics").content
    subprocess.run(["promtool", "check", "metrics"], input=text, check=True)
    say(f"promtool accepts {len(text.splitlines())} lines of metrics")


def exercise(url, ca, directory):
    environment = os.environ | {"BRIDGE_KEY": KEY, "BRIDGE_SECRET": SECRET, "SCHEMATHESIS_HOOKS": str(HERE / "bridge_sign.py"),
                                "REQUESTS_CA_BUNDLE": str(ca)}
    # Not every well-formed pair of dates is a period, so that data of the right form may be answered 400.
    subprocess.run([pathlib.Path(sys.executable).parent / "schemathesis", "run", f"{url}/openapi.json", "--checks", "all",
                    "--exclude-checks", "positive_data_acceptance,ignored_auth", "--tls-verify", str(ca), "--seed", "1",
                    "--max-examples", "40", "--no-color"], check=True, env=environment, cwd=directory)
    say("schemathesis finds no answer that its document does not promise")


def main():
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder)
        plant, _ = start("simulate", "--dir", directory, "--scenario", "quiet")
        private(directory / "api.keys", f"ci:{KEY}\n")
        private(directory / "inbound.secret", f"{SECRET}\n")
        config = directory / "config.toml"
        config.write_text(config.read_text() + """
[bridge]
listen = "127.0.0.1:0"
cert_file = "bridge.pem"
cert_key_file = "bridge.key"
api_keys_file = "api.keys"
inbound_secret_file = "inbound.secret"
""")
        environment = os.environ | {"NIGHTDESK_STATE_DIR": str(directory / "state")}
        bridge, url = start("--config", config, "bridge", env=environment)
        try:
            session = requests.Session()
            session.verify, session.trust_env = str(directory / "ca.pem"), False
            assert session.get(f"{url}/readyz").json()["status"] == "ready"
            for path in ("/api/facility/Hall/status", "/api/reports/efficiency?start=2026-02-01&end=2026-02-01"):
                assert session.get(url + path).status_code == 401
                assert session.get(url + path, headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
            webhooks(session, url, directory / "ledger.jsonl")
            exercise(url, directory / "ca.pem", directory)
            metrics(session, url)
        finally:
            end(bridge)
            end(plant)
    say("ended as asked")


main()
