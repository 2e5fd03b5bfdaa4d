"""IFBench's 58 test types (Pyatkin et al., arXiv 2507.02833) under their upstream ids, decided as upstream decides.

A file per family. Where upstream raises on a text (no words, no sentence, a letter without a place), the response
does not follow: an error of theirs is no verdict, and `if-verifiable`, a corrected copy, decides so too.
"""
