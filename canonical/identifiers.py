"""Identifiers and their check digits: LEI, BIC, ISIN, MIC, local codes, references, remarks."""

import hashlib
import re
from functools import lru_cache
from typing import Annotated, Any, LiteralString

from pydantic import AfterValidator, Field, model_validator
from stdnum import bic as stdnum_bic
from stdnum import isin as stdnum_isin
from stdnum import lei as stdnum_lei
from stdnum.exceptions import InvalidChecksum
from stdnum.exceptions import ValidationError as StdnumError

from canonical.base import Canonical, Term
from canonical.problems import Rule, violation

LINKS_MAX = 20
SHORT_CHARACTERS = 32
CHECKED_MAX = 10_000  # identifiers of each kind whose check is remembered


def _checked(standard: Any, what: str, value: str) -> str:
    """`value` if the `standard` module accepts it in its compact form."""
    try:
        compact = str(standard.validate(value))
    except InvalidChecksum:
        text: LiteralString = "{what} has a wrong check digit: compare it with its source"
        raise violation(Rule.CHECK_DIGIT, text, what=what) from None
    except StdnumError:
        raise violation(Rule.MALFORMED, "not a valid {what}", what=what) from None
    if compact != value:
        raise violation(Rule.MALFORMED, "{what} must be in capitals without spaces or dashes", what=what)
    return value


_LEI = re.compile(r"[A-Z0-9]{18}[0-9]{2}")  # asked here: python-stdnum looks at the check digits alone


@lru_cache(CHECKED_MAX)
def _lei(value: str) -> str:
    """ISO 17442: 18 letters and digits, two check digits (ISO 7064 MOD 97-10)."""
    if not _LEI.fullmatch(value):
        raise violation(Rule.MALFORMED, "not a LEI: 20 characters, capitals and digits, without spaces")
    return _checked(stdnum_lei, "LEI", value)


@lru_cache(CHECKED_MAX)
def _bic(value: str) -> str:
    """ISO 9362: 8 or 11 characters."""
    return _checked(stdnum_bic, "BIC", value)


@lru_cache(CHECKED_MAX)
def _isin(value: str) -> str:
    """ISO 6166: country, nine characters, check digit."""
    return _checked(stdnum_isin, "ISIN", value)


# Japan's four characters: letters stand only second and fourth, without B E I O Q V Z (Securities
# Identification Code Committee, codes from 2024: 130A). A fifth character marks other classes of shares.
_JAPAN = re.compile(r"[1-9][0-9ACDFGHJKLMNPRSTUWXY][0-9][0-9ACDFGHJKLMNPRSTUWXY][0-9]?")


def _japan(value: str) -> str:
    if not _JAPAN.fullmatch(value):
        raise violation(Rule.MALFORMED, "not a Japanese security code such as 7203 or 130A")
    return value


# Controls, line and paragraph separators, invisible and direction-changing characters. Written out, for the
# answer of str.isprintable() changes with Python's version of Unicode: all nodes must judge alike.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def _visible(value: str) -> str:
    if _INVISIBLE.search(value):
        raise violation(Rule.MALFORMED, "contains control characters: leave them out")
    return value


def _remark(value: str) -> str:
    _visible(value.replace("\n", ""))
    return value


VISIBLE = AfterValidator(_visible)
"""Of text that people read: it has one line, and nothing that a screen would obey."""

Lei = Annotated[str, AfterValidator(_lei)]
Bic = Annotated[str, AfterValidator(_bic)]
Isin = Annotated[str, AfterValidator(_isin)]
Mic = Annotated[str, Field(pattern=r"^[A-Z0-9]{4}$")]  # ISO 10383
Reference = Annotated[str, Field(min_length=1, max_length=64), VISIBLE]
Code = Annotated[str, Field(min_length=1, max_length=34), VISIBLE]
Remarks = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_remark)]


def short_form(identifier: str) -> str:
    """What stands for an identifier where a format has less room: so many hexadecimal digits of its SHA-256.

    The same identifier always has the same.
    """
    return hashlib.sha256(identifier.encode()).hexdigest()[:SHORT_CHARACTERS]


class LocalCode(Canonical):
    """A code that its issuer gives meaning to. issuer: an institution's or a system's name, "JASDEC"."""

    code: Code
    issuer: Code


class Party(Canonical):
    """A firm by one or more of its identifiers."""

    lei: Lei | None = None
    bic: Bic | None = None
    local: LocalCode | None = None

    @model_validator(mode="after")
    def _identified(self) -> "Party":
        if self.lei is None and self.bic is None and self.local is None:
            raise violation(Rule.REQUIRED, "name the party by LEI, BIC or a local code")
        return self


class Instrument(Canonical):
    """A security by ISIN or, where the client has no ISIN, by its Japanese local code."""

    isin: Isin | None = None
    japan_code: Annotated[str, AfterValidator(_japan)] | None = None

    @model_validator(mode="after")
    def _identified(self) -> "Instrument":
        if self.isin is None and self.japan_code is None:
            raise violation(Rule.REQUIRED, "name the security by ISIN or by its Japanese code")
        return self


class AccountScheme(Term):
    """Who gives a fund account its code. FIX 661 and ISO 20022 proprietary issuers."""

    BIC = "bic"
    JASDEC = "jasdec"  # common fund code
    OMGEO = "omgeo"
    DTCC = "dtcc"
    PROPRIETARY = "proprietary"  # agreed between the two sides


class FundAccount(Canonical):
    """The account of a fund that takes part of a block."""

    code: Code
    scheme: AccountScheme = AccountScheme.PROPRIETARY


class LinkKind(Term):
    """What a reference refers to, so that only like is joined with like."""

    CLIENT_ORDER = "client_order"  # the investor's order: FIX 11, ISO ClntOrdrLkId
    BROKER_ORDER = "broker_order"  # the broker's order: FIX 37
    EXECUTION = "execution"  # FIX 17, ISO ExctgPtyTxId
    INVESTOR_BLOCK = "investor_block"  # FIX 70, ISO BlckId or InstgPtyTxId
    BROKER_BLOCK = "broker_block"  # FIX 755
    COMMON = "common"  # a number that both sides know: FIX 793, ISO CmonId


class Link(Canonical):
    """A reference to something that this message belongs with."""

    kind: LinkKind
    value: Reference


Links = Annotated[tuple[Link, ...], Field(max_length=LINKS_MAX)]
