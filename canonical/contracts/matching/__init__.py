"""Matching: pairs the two sides of a trade and compares them."""
