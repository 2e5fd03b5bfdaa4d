"""M-IFEval's Spanish, French and Japanese types (Dussolle et al., arXiv 2502.04688) under their upstream ids.

What is IFEval's own under another name is registered in `common.py`; each language has a file for what it does otherwise.
Upstream asks spaCy (Spanish words and sentences), NLTK (French sentences) and janome (Japanese words), which are downloads
or dictionaries of many megabytes. What stands in their place is said with each rule; docs/rules.md has the differences.
"""
