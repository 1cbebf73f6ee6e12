"""The workers: one image that follows a Kafka topic as `notification` or as `audit`.

``loop`` is the story: receive a batch, sort it (``envelope``), set aside what cannot be read
(``dead_letters``), let the worker's handler do its work, and only then commit. ``broker`` alone talks to
Kafka, ``audit`` alone to the audit log, ``health`` alone to probes.
"""
