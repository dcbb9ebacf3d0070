"""The shared calculation: the figures of a trade by the rules of its two sides, alike at every node.

    calculation      calculate: all money of a deal, with the working
    deal             what it starts from
    allocation       allocate: a block that was done in part
    settlement       settlement_date
    arithmetic       the single steps, exact

Who diagnoses a difference takes the single steps with other rules.
"""
