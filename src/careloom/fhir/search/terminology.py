"""What search asks of a terminology service: http://hl7.org/fhir/R4/search.html#token

The modifiers :in, :not-in, :above and :below of tokens are answered by it.
"""

from __future__ import annotations

from typing import Protocol

from careloom.types import Scope

Code = tuple[str, str]
"""System and code."""
MOST_CODES = 20_000


class Terminology(Protocol):
    """Value sets and code hierarchies, as a tenant's store knows them."""

    async def expand(self, scope: Scope, url: str) -> list[Code]:
        """The codes of a value set (canonical URL, `|version` allowed).

        Raises NotFound for an unknown one, InvalidInput for one that cannot be expanded.
        """
        ...

    async def below(self, scope: Scope, system: str, code: str) -> list[Code]:
        """The code and all that it subsumes; raises NotFound for an unknown code system."""
        ...

    async def above(self, scope: Scope, system: str, code: str) -> list[Code]:
        """The code and all that subsume it; raises NotFound for an unknown code system."""
        ...
