"""How the FIX engine's process ends on what nobody foresaw: at once, saying where, never what was said."""

import os
import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

EXIT_BUG, EXIT_NOT_STORED, EXIT_CANNOT_START = 70, 71, 72

P = ParamSpec("P")
T = TypeVar("T")


def guarded(function: Callable[P, T], code: int = EXIT_BUG) -> Callable[P, T]:
    """`function`, ending the process where it raises: nothing may be raised into quickfix."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (BrokenPipeError, ConnectionResetError):
            os._exit(0)  # the daemon is gone
        except BaseException as error:  # noqa: BLE001  # whatever it is, quickfix must not see it
            last = traceback.extract_tb(error.__traceback__)[-1]
            end(f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}", code)
            raise AssertionError from None

    return call


def end(reason: str, code: int) -> None:
    """Say why, and end the process at once, whatever its threads do."""
    os.write(2, f"fix engine ends: {reason}\n".encode())
    os._exit(code)
