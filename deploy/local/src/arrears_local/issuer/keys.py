"""The issuer's ES256 key: made once, kept in the local data folder so that tokens survive a restart."""

from __future__ import annotations

import json
import os
from pathlib import Path

from joserfc.jwk import ECKey


def new_key() -> ECKey:
    """Return a fresh signing key whose `kid` is its thumbprint (RFC 7638)."""
    key = ECKey.generate_key("P-256", parameters={"use": "sig", "alg": "ES256"})
    key.ensure_kid()
    return key


def kept_key(folder: Path) -> ECKey:
    """Return the key of `folder`, making it first if there is none. Only this user may read the file."""
    path = folder / "issuer-key.json"
    try:
        return ECKey.import_key(json.loads(path.read_text("ascii")))
    except FileNotFoundError:
        key = new_key()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump(key.as_dict(private=True), file)
    return key
