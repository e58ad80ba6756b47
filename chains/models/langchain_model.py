"""Models of all other providers, opened by LangChain's `init_chat_model`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from domain.errors import MissingApiKey, UnknownModelName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import BaseChatModel

    from chains.models.names import ModelName
    from chains.models.settings import ProviderSettings


def init(name: ModelName, settings: ProviderSettings, arguments: Mapping[str, Any]) -> BaseChatModel:
    """A model with a step's settings built in, for each provider has its own names for a call's arguments.

    What its class has no field for is left out. Retries are the provider's own client's, which knows its headers.

    Raises:
        UnknownModelName: Nobody knows the provider, or its package is missing.
        MissingApiKey: Its client finds no key.
    """
    access = {"base_url": settings.base_url, "api_key": settings.api_key}
    given = {key: value for key, value in access.items() if value is not None}
    plain = _open(name, given)
    wanted = {"timeout": settings.timeout_s, "max_retries": settings.max_retries, **arguments}
    fields = _field_names(type(plain))
    understood = {key: value for key, value in wanted.items() if key in fields and key != "stop"}
    return _open(name, given | understood)


def _open(name: ModelName, arguments: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(name.model, model_provider=name.provider, **arguments)
    except Exception as error:  # a provider's class raises what it likes: ImportError, ValidationError, its own
        raise _refusal(name, error) from error
    return model


def _refusal(name: ModelName, error: Exception) -> MissingApiKey | UnknownModelName:
    reason = " ".join(str(error).split())[:300]
    if any(word in reason.lower() for word in ("api_key", "api key", "credentials")):
        return MissingApiKey(name.provider, f"{name.provider.upper()}_API_KEY")
    if isinstance(error, AttributeError):  # LangChain looked in langchain-community for what moved to a package
        reason = f"its package is missing: pip install langchain-{name.provider.replace('_', '-')}"
    return UnknownModelName(str(name), reason)


def _field_names(model: type[BaseChatModel]) -> set[str]:
    fields = model.model_fields
    return set(fields) | {field.alias for field in fields.values() if field.alias}
