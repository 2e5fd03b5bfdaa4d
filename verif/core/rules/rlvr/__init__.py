"""IF-RLVR's 29 training types (Pyatkin et al., arXiv 2507.02833) under their upstream ids, decided as upstream decides.

Upstream is open-instruct's IFEvalG. Where it raises on a text, the response does not follow. Where it would draw a value for
an absent parameter, or for 0, the row is refused.
"""
