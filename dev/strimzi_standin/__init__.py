"""A stand-in for Strimzi's operators where their images can't be pulled: part of the local cluster only.

It makes the topics of KafkaTopic resources, the authorities and certificates of Kafka resources, and the
Secrets, ACLs and passwords of KafkaUser resources, and writes their statuses as Strimzi 1.2 does, so the
product meets the same objects on every machine. While the broker is away it leaves the statuses of topics
and users as they are, as Strimzi does between its own periodical passes, and goes on by itself afterwards.
"""
