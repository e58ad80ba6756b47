"""The pre-made examples over HTTP: list, search, change, import, export."""
