"""Riddles over HTTP: make one, list them, get one."""
