"""How the world reaches Riddlewire: HTTP, the command line, storage, settings, telemetry."""
