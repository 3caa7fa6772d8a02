"""The build hook: a wheel and an sdist carry the built web client and the compiled kernel probes.

See `scripts/web.py` and `scripts/probes.py`. An sdist that holds what fits its sources is built again without
Node, without clang and without a network.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
from scripts import probes, web


class Built(BuildHookInterface):  # type: ignore[type-arg] # of any builder
    """Builds both before the files of a distribution are gathered."""

    def dependencies(self) -> list[str]:
        """Node from PyPI, where a client must be built and the machine has none that will do."""
        return [] if web.fits() or web.node() is not None else [web.NODE_WHEEL]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """See BuildHookInterface. An editable installation is a checkout, which `run.py` looks after."""
        del build_data
        if version == "editable":
            return
        try:
            web.build()
        except web.BuildError as error:
            self.app.abort(str(error))
        if sys.platform.startswith("linux"):
            try:
                probes.build()
            except probes.BuildError as error:
                self.app.display_warning(f"without kernel probes: {error}")
