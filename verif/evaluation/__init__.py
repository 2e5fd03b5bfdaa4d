"""Benchmarks as one interface: load, prompts, responses, verdicts, scores."""
