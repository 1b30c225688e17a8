"""Sample calls, and bodies of them made with the standard library's encoders."""

import json
from collections.abc import Mapping
from urllib.parse import urlencode

from tests.openssl import KeyPair

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

# The default macro's names, in its order, typed from the contract.
POST_CALL = {
    "start": "2026-03-01 11:58:00",
    "duration": "42",
    "from_nr": "+46701234567",
    "from_nr_area": "Stockholm",
    "to_nr": "+46812345678",
    "end_nr": "+46850000000",
    "channel": "Google SEM",
    "answered": "1",
    "publisher_id": "",
    "campaign_id": "",
    "referrer": "https://search.example/?q=taxi",
    "url": "https://shop.example/?a=1&b=2",
    "details": "",
    "custnr": "1001",
    "event_type": "0",
    "id": "call-1",
    "fsid": "fs-1",
}
PRE_CALL = {**POST_CALL, "duration": "0", "answered": "0", "event_type": "2"}
SMS = {**POST_CALL, "duration": "0", "answered": "0", "event_type": "1", "details": "call me back"}


def form(values: Mapping[str, str]) -> bytes:
    return urlencode(values, errors="surrogatepass").encode()


def json_text(values: Mapping[str, object]) -> bytes:
    return json.dumps(values).encode()


def signed_form(values: Mapping[str, str], key: KeyPair) -> bytes:
    payload = form(values)
    return form({"payload": payload.decode(), "sign": key.sign_base64(payload)})


def signed_json(values: Mapping[str, object], key: KeyPair) -> bytes:
    payload = json_text(values)
    return json_text({"payload": payload.decode(), "sign": key.sign_base64(payload)})
