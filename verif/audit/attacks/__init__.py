"""Attack families: templates that make false responses look true. See `family.Family` and the modules beside it."""

from verif.audit.attacks import claims, content_free, injection, markup, structure, verdicts
from verif.audit.attacks.family import FAMILIES, Family

__all__ = ["FAMILIES", "Family", "claims", "content_free", "injection", "markup", "structure", "verdicts"]
