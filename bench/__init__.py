"""Measures Riddlewire beside others on this machine: `python -m bench --help`."""
