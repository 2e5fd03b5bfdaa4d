"""Rows: where they come from, how they are split, how they stand on disk."""
