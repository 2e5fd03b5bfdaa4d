"""A stand-in judge and a real verifier service, each in a process of its own on loopback."""

from support.harness import judge, running

__all__ = ["judge", "running"]
