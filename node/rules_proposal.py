"""A document of rules that two sides are to agree on: a TOML file with its head.

broker = "…"                    LEI of each side
investor = "…"
version = 2                     the one after the last
from_trade_date = 2026-12-01    the first trade date that it is for
[rules]                         canonical.rules.Rules; what is left out has its default
"""

import datetime
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from canonical.base import Canonical
from canonical.identifiers import Lei
from canonical.rules import Rules
from node.setup import SetupError


class RulesProposal(Canonical):
    """One version of a relationship's rules, with whose and from when."""

    broker: Lei
    investor: Lei
    version: Annotated[int, Field(ge=1)]
    from_trade_date: datetime.date
    rules: Rules


def load_proposal(path: Path) -> RulesProposal:
    """The document in `path`. Raises SetupError with all that is wrong."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
        return RulesProposal.model_validate(tree)
    except OSError as error:
        raise SetupError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SetupError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        raise SetupError(f"{path}: {'; '.join(faults)}") from error
