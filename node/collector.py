"""How often Python looks for garbage that refers to itself.

A node keeps some hundred thousand small objects for long, its cached records, and makes very little garbage
in cycles. At Python's usual rhythm the collector walks through all that is kept again and again, for a fifth
of the processor's time and more, and finds nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

THRESHOLDS = (20_000, 20, 100)  # objects, then collections of the younger generation


@contextmanager
def rare_collections() -> Iterator[None]:
    """Collect rarely meanwhile, and never walk through what is there already."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
