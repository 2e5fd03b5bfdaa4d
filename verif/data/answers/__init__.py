"""Answers whose truth is known by construction: references, other forms of them, and near misses."""
