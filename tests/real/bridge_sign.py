"""What schemathesis puts on each request: the API key, and the signature of the body by Python's own hmac."""

import hashlib
import hmac
import os

import requests
import schemathesis

SECRET = os.environ["BRIDGE_SECRET"].encode()


class Signed(requests.auth.AuthBase):
    def __call__(self, request):
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        request.headers["X-API-Key"] = os.environ["BRIDGE_KEY"]
        request.headers["X-Webhook-Signature"] = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        return request


schemathesis.auth.set_from_requests(Signed())
