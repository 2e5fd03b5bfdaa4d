"""Judgements whose truth is known by construction: what a judge is reinforced and measured with (`docs/hacking.md`)."""
