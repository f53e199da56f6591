"""`arrears topics`: the topics as the broker has them."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import msgspec
import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from rich.table import Table

from arrears_local.cli.output import AsJson, data, end_with, print_json
from arrears_local.refusals import DependencyDown, LocalRefusal
from arrears_local.settings import read_settings
from arrears_local.topics import create_topics


class TopicSize(msgspec.Struct, frozen=True):
    """`records` counts what the broker keeps, over all partitions."""

    topic: str
    partitions: int
    records: int


def register(app: typer.Typer) -> None:
    app.command("topics")(list_topics)


def list_topics(
    create: Annotated[bool, typer.Option("--create", help="First create the topics that are missing.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the topics with their partitions and records."""
    settings = read_settings(os.environ)
    try:
        if create:
            asyncio.run(create_topics(settings.kafka, settings.partitions))
        sizes = asyncio.run(_sizes(settings.kafka))
    except LocalRefusal as refusal:
        end_with(refusal)
    except (KafkaError, OSError) as error:
        end_with(DependencyDown(f"no broker answers at {settings.kafka}: {error!r}", "start it with `arrears up`"))
    if as_json:
        return print_json(sizes)
    table = Table("topic", "partitions", "records")
    for size in sizes:
        table.add_row(size.topic, f"{size.partitions}", f"{size.records:,}")
    data.print(table)
    return None


async def _sizes(bootstrap: str) -> list[TopicSize]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await client.start()
        await consumer.start()
        sizes = []
        for topic in sorted(await client.describe_topics(), key=lambda topic: str(topic["topic"])):
            found = [TopicPartition(topic["topic"], part["partition"]) for part in topic["partitions"]]
            begin, end = await asyncio.gather(consumer.beginning_offsets(found), consumer.end_offsets(found))
            records = sum(end[part] - begin[part] for part in found)
            sizes.append(TopicSize(topic["topic"], len(found), records))
        return sizes
    finally:
        await consumer.stop()
        await client.close()
