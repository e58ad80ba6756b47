"""The groups of settings, by what they are about: frozen, every one described, unknown names refused."""
