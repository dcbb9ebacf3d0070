"""Matching, version 2: as version 1, but the rest of a spread goes by the larger fractions."""
