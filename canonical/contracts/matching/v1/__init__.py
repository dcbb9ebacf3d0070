"""Matching, version 1: pairing by reference, else by economics; exact comparison of every agreed field."""
