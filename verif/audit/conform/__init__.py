"""Anybody's checker against published verdicts: which of them it gets wrong, by rule."""
