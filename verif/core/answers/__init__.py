"""Answers compared with a reference: the final answer is found, then compared by kind."""
