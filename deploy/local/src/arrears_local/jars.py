"""The broker's jars: resolved once, checked against the pinned hashes, then kept so that no network is needed again."""

from __future__ import annotations

import hashlib
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from arrears_local.refusals import JarRefused, JarsUnavailable

KAFKA_VERSION = "4.3.1"
# The closure of kafka_2.13 has 45 jars and no logging back end; the 46th makes the broker's errors visible.
ENDPOINT = f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}+org.slf4j:slf4j-simple:1.7.36"


def pinned_hashes() -> dict[str, str]:
    """Jar file name → SHA-256, from `kafka-jars.sha256` (beside the package in a wheel, above it in the tree)."""
    package = Path(__file__).parent
    candidates = (package / "kafka-jars.sha256", package.parents[1] / "kafka-jars.sha256")
    text = next(path for path in candidates if path.exists()).read_text("ascii")
    return {name: digest for digest, name in (line.split() for line in text.splitlines())}


def jar_folder(cache: Path) -> Path:
    return cache / f"kafka-{KAFKA_VERSION}"


def jars_missing(cache: Path) -> list[str]:
    """Names of pinned jars that the cache lacks; no registry is asked."""
    folder = jar_folder(cache)
    return [name for name in pinned_hashes() if not (folder / name).exists()]


def kafka_jars(cache: Path) -> list[Path]:
    """All jars of the class path, each checked; fetched first when the cache is incomplete.

    Raises JarsUnavailable when the registry does not answer, JarRefused when a jar's bytes are not the pinned ones.
    """
    if jars_missing(cache):
        fetch(cache)
    pinned = pinned_hashes()
    for name, digest in pinned.items():
        check_jar(jar_folder(cache) / name, digest)
    return [jar_folder(cache) / name for name in sorted(pinned)]


def check_jar(jar: Path, digest: str) -> None:
    with jar.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != digest:
        raise JarRefused(
            f"{jar.name} has SHA-256 {found}, pinned is {digest}",
            f"remove {jar} and start again; if it comes back the same, do not run it and tell the maintainers",
        )


def fetch(cache: Path) -> None:
    """Resolve and download the closure with jgo into a scratch folder, check it, then move it in place."""
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="resolving-", dir=cache) as scratch:
        _fetch_through(Path(scratch), jar_folder(cache))


def _fetch_through(scratch: Path, folder: Path) -> None:
    resolved = _resolve(scratch, folder)
    pinned = pinned_hashes()
    unexpected = sorted(path.name for path in resolved if path.name not in pinned)
    absent = sorted(pinned.keys() - {path.name for path in resolved})
    if unexpected or absent:
        raise JarRefused(
            f"the registry's closure is not the pinned one: unexpected {unexpected}, absent {absent}",
            "do not run it; compare deploy/local/kafka-jars.sha256 with the release",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for path in resolved:
        check_jar(path, pinned[path.name])
        path.replace(folder / path.name)


def _resolve(scratch: Path, folder: Path) -> list[Path]:
    # jgo costs 0.4 s to import and is needed once in a machine's life.
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    # jgo warns of optional dependencies that the broker never loads; the pinned list is the check that counts.
    logging.getLogger("jgo").setLevel(logging.ERROR)
    context = MavenContext(repo_cache=scratch / "repository")
    builder = EnvironmentBuilder(context=context, cache_dir=scratch / "jgo", link_strategy=LinkStrategy.COPY)
    try:
        # all_jars joins the two folders into which jgo splits plain and modular jars.
        return list(builder.from_endpoint(ENDPOINT).all_jars)
    except (OSError, RuntimeError, ValueError) as error:
        raise JarsUnavailable(
            f"the broker's jars could not be fetched from the Maven registry: {error}",
            f"check the network or the proxy settings and start again, or copy {folder} from a "
            "machine that has started once, or point ARREARS_KAFKA at a running broker",
        ) from error
