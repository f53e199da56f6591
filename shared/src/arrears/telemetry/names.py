"""Every telemetry name that we write ourselves, in one place: OpenTelemetry semantic conventions 1.44, then our own.

The messaging conventions are still in development (1.45 renames `messaging.system` and the Kafka names); a test holds
these to the installed package, so that an update shows here and nowhere else.
"""

from __future__ import annotations

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"

SERVICE_NAME: Final = "service.name"
SERVICE_INSTANCE_ID: Final = "service.instance.id"
DEPLOYMENT_ENVIRONMENT_NAME: Final = "deployment.environment.name"
ERROR_TYPE: Final = "error.type"

MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_OPERATION_NAME: Final = "messaging.operation.name"
MESSAGING_OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGING_DESTINATION_NAME: Final = "messaging.destination.name"
MESSAGING_DESTINATION_PARTITION_ID: Final = "messaging.destination.partition.id"
MESSAGING_CONSUMER_GROUP_NAME: Final = "messaging.consumer.group.name"
MESSAGING_BATCH_MESSAGE_COUNT: Final = "messaging.batch.message_count"
MESSAGING_KAFKA_OFFSET: Final = "messaging.kafka.offset"
MESSAGING_KAFKA_MESSAGE_KEY: Final = "messaging.kafka.message.key"

METRIC_PROCESS_DURATION: Final = "messaging.process.duration"
METRIC_OPERATION_DURATION: Final = "messaging.client.operation.duration"
METRIC_CONSUMED_MESSAGES: Final = "messaging.client.consumed.messages"
METRIC_SENT_MESSAGES: Final = "messaging.client.sent.messages"

KAFKA: Final = "kafka"
PROCESS: Final = "process"
SEND: Final = "send"

# Log fields that are ours
TRACE_ID: Final = "trace_id"
SPAN_ID: Final = "span_id"
EVENT_ID: Final = "event_id"
SERVICE: Final = "service"
