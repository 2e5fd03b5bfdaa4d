"""verif inside other people's trainers and evaluators: one file each, and the same rule in all of them.

An error is never a number: it becomes the host's own "no reward", and where the host has none, an exception.
"""
