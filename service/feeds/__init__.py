"""Feeds: add them, pull them by hand or by schedule, and riddle each story once."""
