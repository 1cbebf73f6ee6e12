"""Publishes what Python's client can't, and Go's clients can: a header whose name is not UTF-8."""

from __future__ import annotations

import ctypes

from confluent_kafka import cimpl

ODD_NAME = b"n\xff\xfeme"

# What librdkafka calls its kinds of client and the arguments of a message.
_PRODUCER = 0
_END, _TOPIC, _VALUE, _COPY, _HEADER = 0, 1, 4, 7, 9
_MESSAGE_FLAG_COPY = 2
_PATIENCE_MS = 30_000


def publish_with_odd_header(bootstrap_servers: str, topic: str, value: bytes) -> None:
    """Publish a message with one header, and wait until the broker has it."""
    # The module of Python's client has librdkafka in it or beside it.
    kafka = ctypes.CDLL(cimpl.__file__)
    kafka.rd_kafka_conf_new.restype = kafka.rd_kafka_new.restype = ctypes.c_void_p
    config = ctypes.c_void_p(kafka.rd_kafka_conf_new())
    error = ctypes.create_string_buffer(200)
    room = ctypes.c_size_t(len(error))
    kafka.rd_kafka_conf_set(config, b"bootstrap.servers", bootstrap_servers.encode(), error, room)
    producer = ctypes.c_void_p(kafka.rd_kafka_new(_PRODUCER, config, error, room))
    fault = kafka.rd_kafka_producev(
        producer,
        *(_TOPIC, topic.encode()),
        *(_VALUE, value, ctypes.c_size_t(len(value))),
        *(_COPY, _MESSAGE_FLAG_COPY),
        *(_HEADER, ODD_NAME, b"x", ctypes.c_ssize_t(1)),
        _END,
    )
    assert not fault, f"librdkafka refuses the message: {fault}"
    assert not kafka.rd_kafka_flush(producer, _PATIENCE_MS), "the broker does not answer"
    kafka.rd_kafka_destroy(producer)
