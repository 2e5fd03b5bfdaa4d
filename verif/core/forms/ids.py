"""IFEval and its kin (IFBench, IF-RLVR, NeMo Gym): `instruction_id_list` with `kwargs`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from verif.core.forms.fields import Raw, Where, is_nan, list_field, written
from verif.types import Constraint, RuleConstraint


def constraints(
    raw: Raw, where: Where, names: tuple[str, str] = ("instruction_id_list", "kwargs"), before: str = "",
    variants: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Constraint, ...]:  # fmt: skip
    """The rules of two lists; `kwargs` may be a list, its JSON, or a list of JSON texts. Repeated ids are all kept.

    A null parameter is an absent one: tables hold every name in every row. `variants`: the rule that decides a type,
    where it is not the rule of that name.
    """
    ids, kwargs = (list_field(raw, name, where) for name in names)
    if len(ids) != len(kwargs):
        raise where.error(f"has {len(kwargs)} entries for {len(ids)} instruction ids", before + names[1])
    out = []
    for position, (name, given) in enumerate(zip(ids, kwargs, strict=True)):
        if not isinstance(name, str):
            raise where.wanted("text", name, f"{before}{names[0]}.{position}")
        rule = variants.get(name, name)
        out.append(
            RuleConstraint(
                text=name, rule=rule, params=params(given, where, f"{before}{names[1]}.{position}")
            )
        )
    return tuple(out)


def params(given: Any, where: Where, field: str) -> dict[str, Any]:
    """The parameters of one rule, without those that are null."""
    given = written(given, field, where)
    if given is None or given == "":
        return {}
    if not isinstance(given, dict):
        raise where.wanted("an object", given, field)
    for name, value in given.items():
        if is_nan(value):
            raise where.error("is NaN", f"{field}.{name}", "Write null for a parameter that is absent.")
    return {str(name): value for name, value in given.items() if value is not None}
