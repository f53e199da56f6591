"""Each service's signing key, and everybody's public keys.

The private key of a service is `<home>/keys/<service>.ed25519` (32 raw bytes, base64). In development it is made at the
first start and its public half is entered in `<home>/keys/public.json`; in production both are deployed and a missing
one stops the service, because a key that appears by itself proves nothing.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PUBLIC_FILE: Final = "public.json"

K = TypeVar("K")


class SigningKeyMissing(Exception):
    """Production must be given its keys."""


class SigningKeyUnusable(Exception):
    """A key file holds no Ed25519 key."""


def signing_key(home: Path, service: str, *, create: bool) -> Ed25519PrivateKey:
    """Return the service's key, made now if there is none and `create` allows it (development).

    Raises:
        SigningKeyMissing: there is none and none may be made.
        SigningKeyUnusable: the file holds no key.
    """
    folder = home / "keys"
    path = folder / f"{service}.ed25519"
    if not path.exists():
        if not create:
            raise SigningKeyMissing(f"{service} has no signing key: put 32 base64 bytes into keys/{path.name}")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _locked(folder):
            _write_new(path)
    key = _load(path)
    if create:
        _enter(folder, service, key.public_key())
    return key


class PublicKeys:
    """The publishers' public keys of the deployment: a JSON object {service: base64 of 32 raw bytes}.

    The file is read again when it changed, because in development a service adds its key at its first start.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = -1
        self._keys: dict[str, Ed25519PublicKey] = {}

    def of(self, service: str) -> Ed25519PublicKey | None:
        """Return the key of `service`, None when the deployment names none. Raises SigningKeyUnusable."""
        with suppress(FileNotFoundError):
            changed = self._path.stat().st_mtime_ns
            if changed != self._read_at:
                self._keys = _read_public(self._path)
                self._read_at = changed
        return self._keys.get(service)


def public_keys(home: Path, configured: str = "") -> PublicKeys:
    """Return the public keys: from the file `configured` (ARREARS_PUBLIC_KEYS) or else `<home>/keys/public.json`."""
    return PublicKeys(Path(configured) if configured else home / "keys" / PUBLIC_FILE)


def _write_new(path: Path) -> None:
    with suppress(FileExistsError):  # another replica was first: its key is the one
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()))


def _load(path: Path) -> Ed25519PrivateKey:
    return _decoded(path.name, path.read_text("ascii"), Ed25519PrivateKey.from_private_bytes)


def _enter(folder: Path, service: str, key: Ed25519PublicKey) -> None:
    path, text = folder / PUBLIC_FILE, base64.b64encode(key.public_bytes_raw()).decode()
    with _locked(folder):
        known = json.loads(path.read_text("utf-8")) if path.exists() else {}
        if known.get(service) != text:
            fresh = path.with_suffix(".new")
            fresh.write_text(json.dumps({**known, service: text}, indent=1, sort_keys=True) + "\n", "utf-8")
            fresh.replace(path)


def _read_public(path: Path) -> dict[str, Ed25519PublicKey]:
    try:
        named = json.loads(path.read_text("utf-8"))
        return {name: _decoded(name, text, Ed25519PublicKey.from_public_bytes) for name, text in named.items()}
    except (ValueError, AttributeError) as error:
        raise SigningKeyUnusable(f"{path.name}: {error}") from error


def _decoded(name: str, text: str, build: Callable[[bytes], K]) -> K:
    try:
        return build(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError) as error:
        raise SigningKeyUnusable(f"{name} holds no Ed25519 key: {error}") from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
