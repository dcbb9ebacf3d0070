"""The layout of a trade's messages and the rules that judge them; pure."""
