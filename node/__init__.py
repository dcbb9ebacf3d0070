"""The daemon: composes formats, links, ledger and contracts into one process."""
