"""Fixtures that all tests may use come from `tests/support`, one module a resource."""

pytest_plugins = ["tests.support.postgres"]
