"""Signatures of callbacks: Twilio's, and the Standard Webhooks form. Pure; comparisons take constant time.

A callback is accepted by its signature, and made harmless when repeated by its id: that is the receiver's part.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

TOLERANCE: Final = timedelta(minutes=5)
_SECRET_PREFIX: Final = "whsec_"


class ForgedWebhook(Exception):
    """The signature is missing or wrong, or the message is older or newer than the tolerance allows."""


def twilio_signature(url: str, params: Mapping[str, str], token: str) -> str:
    """Return `X-Twilio-Signature`: base64 of HMAC-SHA1, by the account's token, of the URL and the sorted form fields."""
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


def check_twilio(url: str, params: Mapping[str, str], tokens: Sequence[str], signature: str | None) -> None:
    """Accept the callback if one of the active `tokens` (two while rotating) signed it.

    Raises:
        ForgedWebhook: none of them did.
    """
    given = (signature or "").encode("ascii", "replace")
    if not any(hmac.compare_digest(twilio_signature(url, params, token).encode(), given) for token in tokens):
        raise ForgedWebhook("X-Twilio-Signature does not fit")


def standard_signature(secret: str, message_id: str, at: datetime, body: bytes) -> str:
    """Return one `webhook-signature` entry: `v1,` and base64 of HMAC-SHA256 of `id.timestamp.body`.

    Raises:
        ValueError: the secret is not `whsec_` and base64.
    """
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ValueError("a webhook secret is whsec_ and base64") from error
    signed = b".".join((message_id.encode(), str(int(at.timestamp())).encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def check_standard(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: datetime) -> str:
    """Return the id of a Standard Webhooks message that one of the active `secrets` signed; store it against replay.

    Raises:
        ForgedWebhook: a header is missing, the time is more than five minutes off, or no signature fits the raw body.
    """
    message_id = headers.get("webhook-id", "")
    stamp, signatures = headers.get("webhook-timestamp", ""), headers.get("webhook-signature", "")
    if not message_id or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        raise ForgedWebhook("webhook-id or webhook-timestamp is missing or wrong")
    at = datetime.fromtimestamp(int(stamp), now.tzinfo)
    if abs(now - at) > TOLERANCE:
        raise ForgedWebhook("webhook-timestamp is too far from now")
    given = [entry.encode("ascii", "replace") for entry in signatures.split()]
    wanted = [standard_signature(secret, message_id, at, body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other) for one in wanted for other in given):
        raise ForgedWebhook("webhook-signature does not fit")
    return message_id
