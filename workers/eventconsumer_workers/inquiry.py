"""What Kafka is asked about the worker's topic and group, whether or not one is a member of the group."""

from __future__ import annotations

import logging
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import closing
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from eventconsumer_workers.client_settings import consumer_config
from eventconsumer_workers.credentials import client_config
from eventconsumer_workers.handlers import NotDone

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from eventconsumer_workers.config import Settings

_log = logging.getLogger(__name__)

_ANSWER_SECONDS = 5.0


class Inquiry:
    """Questions to Kafka, each by a client of its own; they raise ``NotDone`` when Kafka can't say."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._topic = settings.kafka_topic

    def topic_id(self) -> str | None:
        """Return Kafka's id of the topic, or None where there is none."""
        admin = AdminClient({**client_config(self._settings)}, logger=_log)
        asked = admin.describe_topics(TopicCollection([self._topic]), request_timeout=_ANSWER_SECONDS)
        try:
            found = asked[self._topic].result(_ANSWER_SECONDS)
        except (KafkaException, FutureTimeoutError) as fault:
            raise NotDone(f"the id of topic {self._topic} cannot be asked for: {fault}") from fault
        return str(found.topic_id) if found.topic_id else None

    def committed(self, partitions: Collection[int]) -> Mapping[int, int]:
        """Return the offsets that the group has committed for partitions, where it has any."""
        # Without a subscription it joins no group.
        with closing(Consumer(consumer_config(self._settings), logger=_log)) as consumer:
            found = committed_places(consumer, self._topic, partitions)
        return {place.partition: place.offset for place in found if place.offset >= 0}


def committed_places(consumer: Consumer, topic: str, partitions: Collection[int]) -> list[TopicPartition]:
    """Return what a consumer's group has committed for partitions; raise ``NotDone`` when Kafka can't say."""
    wanted = [TopicPartition(topic, partition) for partition in partitions]
    try:
        return consumer.committed(wanted, timeout=_ANSWER_SECONDS)
    except KafkaException as fault:
        raise NotDone(f"Kafka does not say what is committed: {fault}") from fault
