"""How patient the doctor is in a test: a machine busy with other tests is no fault of what it looks at."""

from __future__ import annotations

import pytest

from hubbub.server.doctor import browsers, fetching, proxies

PATIENT = 30.0
"""Seconds that an answer may take."""
UNTIL_GATHERED = 5.0
"""Seconds after which a proxy counts as one that gathers: some tests wait for that."""


@pytest.fixture
def impatient() -> None:
    """For what never answers: as patient as with people."""


@pytest.fixture(autouse=True)
def _patient(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "impatient" not in request.fixturenames:
        monkeypatch.setattr(fetching, "SECONDS", PATIENT)
        monkeypatch.setattr(browsers, "PATIENCE", PATIENT)
        monkeypatch.setattr(proxies, "PATIENCE", UNTIL_GATHERED)
