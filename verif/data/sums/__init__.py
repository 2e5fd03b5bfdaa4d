"""Arithmetic in words with known truth: questions with one right answer and several ways to spell it."""
