"""A stand-in judge and a real verifier service, each in a process of its own on loopback."""

from harness import judge, running

__all__ = ["judge", "running"]
