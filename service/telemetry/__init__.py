"""What operators see: logs, metrics and traces. Pipelines know nothing of it: it listens to LangChain's callbacks."""

from service.telemetry.installing import setup

__all__ = ["setup"]
