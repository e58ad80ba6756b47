"""Riddles that become pre-made examples, with an admin's approval."""
