from collections.abc import Iterator

import pytest

from verif.core.sandbox.sandbox import Sandbox


@pytest.fixture(scope="package")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(workers=1) as box:
        yield box
