"""The local cluster: kind, Kafka and Strimzi's resources on one machine, for the demo, the tests and the benchmarks."""
