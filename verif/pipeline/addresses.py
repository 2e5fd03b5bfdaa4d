"""Where the models of a build recipe are asked: one address for all of them, several that serve the same, or one each.

`http://HOST/v1` serves every model; `NAME=http://HOST/v1` serves the model of that name alone, as a server of one model does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from verif.data.builder.client import PaidClient
from verif.errors import SetupError
from verif.recipe import BuildModel, BuildRecipe
from verif.system.disclosure.masking import mask_uri
from verif.system.web import is_web

URL_VARIABLE, KEY_VARIABLE = "VERIF_BUILD_URL", "VERIF_BUILD_API_KEY"


def connected(
    urls: Sequence[str], recipe: BuildRecipe, asked: Sequence[BuildModel]
) -> Callable[[BuildModel, Mapping[str, Any]], PaidClient]:
    """Clients for the models that are `asked`, at the addresses given or in the environment.

    `SetupError` before any call where one of them has no address, or an address is for a model that the recipe does not name.
    """
    known = urls or [url.strip() for url in os.environ.get(URL_VARIABLE, "").split(",") if url.strip()]
    if not known:
        raise SetupError(
            "the build recipe names models, and no end point is known.", f"Give --url or set {URL_VARIABLE}."
        )
    served = _by_name(known, [model.name for model in recipe.models()])
    for model in asked:
        if not _addresses(served, model):
            raise SetupError(
                f"no address serves the model {model.name!r}: {', '.join(map(mask_uri, known))}.",
                f"Give --url {model.name}=http://HOST:PORT/v1, or an address without a name.",
            )

    def connect(model: BuildModel, parameters: Mapping[str, Any]) -> PaidClient:
        return PaidClient(
            _addresses(served, model),
            model.name,
            parameters=dict(parameters),
            deadline_s=model.deadline_s,
            key_variable=KEY_VARIABLE,
        )

    return connect


def _by_name(addresses: Sequence[str], names: Sequence[str]) -> dict[str, list[str]]:
    """Base URLs by the model that they serve; under the empty name those that serve all."""
    served: dict[str, list[str]] = {}
    for address in addresses:
        name, url = "", address
        if not is_web(address):
            name, _, url = address.partition("=")
        if not is_web(url):
            raise SetupError(
                f"{mask_uri(address)!r} is no address of a model.",
                "Wanted: http://HOST:PORT/v1 or NAME=http://HOST:PORT/v1.",
            )
        if name and name not in names:
            raise SetupError(
                f"the address {mask_uri(address)} is for a model that the build recipe does not name.",
                f"Its models: {', '.join(dict.fromkeys(names))}.",
            )
        served.setdefault(name, []).append(url)
    return served


def _addresses(served: Mapping[str, list[str]], model: BuildModel) -> list[str]:
    """A model's own addresses; without any, those of all models."""
    return served.get(model.name) or served.get("", [])
