"""A stand-in for Strimzi's operators where their images can't be pulled: part of the local cluster only.

It makes the topics of KafkaTopic resources and writes the statuses of Kafka and KafkaTopic resources as
Strimzi 1.2 does, so the product meets the same objects on every machine. While the broker is away it leaves
topic statuses as they are, as Strimzi does between its own periodical passes, and goes on by itself
afterwards.
"""
