"""The local cluster: kind, Kafka and Strimzi's resources on one machine, for demo, tests and benchmarks."""
