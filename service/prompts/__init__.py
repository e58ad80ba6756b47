"""Prompt files over HTTP, read only: they are changed as files."""
