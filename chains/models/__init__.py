"""Chat models by `provider:model`: opening, calling, counting and pricing them. Knows no pipeline and no prompt."""

from chains.models.completion import Completion
from chains.models.factory import ChatModels
from chains.models.settings import EngineSettings, ModelSettings, ProviderSettings

__all__ = ["ChatModels", "Completion", "EngineSettings", "ModelSettings", "ProviderSettings"]
