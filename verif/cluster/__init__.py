"""Stages on Kubernetes: pure manifest builders, a thin client, one watcher."""
