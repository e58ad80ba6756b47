"""Takes an adapter to where it is used: the embedded engine, another trainer, one merged model, the hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chains.models.gguf_location import locate_gguf
from finetuning.base_model import is_gguf, load_model, need_packages, with_adapter
from finetuning.errors import ExportFailed
from finetuning.gguf_adapter import write_gguf_adapter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def export_gguf(adapter: Path, base: str, target: Path, *, half: bool = True) -> Path:
    """The adapter as a GGUF file for the embedded engine.

    Args:
        adapter: PEFT folder.
        base: The GGUF model it was trained on: a path or `smollm2-135m-instruct`.
        target: The file to write.
        half: 16-bit floats.

    Raises:
        ExportFailed: The base is no GGUF file, or the adapter is of another model.
    """
    if not is_gguf(base):
        raise ExportFailed(f"a GGUF adapter goes with a GGUF model, and {base!r} is none: name one, or use --merge")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_gguf_adapter(adapter, locate_gguf(base), target, half=half)
    return target


def export_merged(
    adapter: Path, base: str, target: Path, *, cache: Path, say: Callable[[str], None] | None = None
) -> Path:
    """Base and adapter as one model in a Hugging Face folder, which `transformers:` names and vLLM serve.

    Args:
        adapter: PEFT folder.
        base: See `finetuning.base_model.load_model`.
        target: Folder to write.
        cache: Where converted base models are kept.
        say: Told what takes long.
    """
    model, tokenizer = load_model(base, cache=cache, say=say)
    merged = with_adapter(model, adapter).merge_and_unload()
    merged.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target


def push_to_hub(folder: Path, repository: str, *, private: bool = True) -> str:
    """Upload a folder to the Hugging Face hub and give its address there.

    Args:
        folder: PEFT adapter or merged model, with its card.
        repository: `owner/name`; made if it is not there.
        private: Whether a new one is visible to its owner only.

    Raises:
        ExportFailed: The hub refused, or cannot be reached.
    """
    need_packages()
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError

    api = HfApi()
    try:
        made = api.create_repo(repository, private=private, exist_ok=True)
        api.upload_folder(repo_id=made.repo_id, folder_path=str(folder), commit_message="Upload adapter")
    except (HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0][:300]
        raise ExportFailed(
            f"the hub did not take it: {reason}; sign in with `hf auth login` or set HF_TOKEN"
        ) from error
    return str(made)
