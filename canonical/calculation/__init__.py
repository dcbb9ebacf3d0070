"""The shared calculation: the figures of a trade by the rules of its two sides, alike at every node.

    arithmetic       the single steps, exact

Who diagnoses a difference takes the same steps with other rules.
"""
