"""Formats (bytes to fields and back, pure) and links (how bytes come from and go to a client)."""
