"""The model to be tuned: any causal language model that `transformers` loads, GGUF files made plain first."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from chains.models.gguf_location import DEFAULT_MODEL, locate_gguf
from domain.article import content_hash
from domain.errors import MissingExtra, NotFound, UnknownModelName

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGES: Final = ("torch", "peft", "accelerate", "safetensors", "gguf")
"""What the extra `local` brings."""


def need_packages() -> None:
    """See that fine-tuning can work here.

    Raises:
        MissingExtra: A package is not installed.
    """
    if any(importlib.util.find_spec(package) is None for package in PACKAGES):
        raise MissingExtra("fine-tuning", "local")


def load_model(name: str, *, cache: Path, say: Callable[[str], None] | None = None) -> tuple[Any, Any]:
    """Load a model in 32-bit floats, and its tokenizer.

    Args:
        name: A folder, an id on the Hugging Face hub, a path to a `.gguf` file, or `smollm2-135m-instruct`.
        cache: Where GGUF files are kept in plain form; they are converted once.
        say: Told what takes long.

    Raises:
        MissingExtra: A package is not installed.
        UnknownModelName: It is no causal language model that can be loaded.
    """
    need_packages()
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    source = _plain_folder(name, cache, say or (lambda _: None)) if is_gguf(name) else name
    try:
        tokenizer = AutoTokenizer.from_pretrained(source)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise UnknownModelName(name, " ".join(str(error).split())[:300]) from error
    return model, tokenizer


def is_gguf(name: str) -> bool:
    """Whether a name stands for a GGUF file."""
    return name == DEFAULT_MODEL or name.endswith(".gguf")


def _plain_folder(name: str, cache: Path, say: Callable[[str], None]) -> Path:
    """The model of a GGUF file as a Hugging Face folder of its dequantised weights, made the first time.

    Trainers refuse a model that was loaded from GGUF itself, because they take it for a quantised one.
    """
    file = locate_gguf(name)
    stamp = file.stat()
    folder = cache / f"{file.stem}-{content_hash(str(file.resolve()), str(stamp.st_size), str(stamp.st_mtime_ns))[:12]}"
    if folder.is_dir():
        return folder
    say(f"Converting {file.name}, once …")
    cache.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=cache, prefix=".making-"))
    try:
        _dequantise(file, made)
        made.rename(folder)
    except OSError:
        if not folder.is_dir():  # else somebody else has made it meanwhile
            raise
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return folder


def _dequantise(file: Path, folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options = {"gguf_file": file.name}
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, **options)
        model = AutoModelForCausalLM.from_pretrained(file.parent, dtype=torch.float32, **options)
    except (OSError, ValueError, ImportError, KeyError) as error:
        raise UnknownModelName(str(file), " ".join(str(error).split())[:300]) from error
    model.hf_quantizer = None
    model.is_quantized = False
    for owner, mark in ((model, "quantization_method"), (model.config, "quantization_config")):
        if hasattr(owner, mark):
            delattr(owner, mark)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def with_adapter(model: Any, folder: Path) -> Any:
    """The model with the PEFT adapter of a folder.

    Raises:
        NotFound: There is no adapter in the folder.
    """
    from peft import PeftModel

    if not (folder / "adapter_config.json").is_file():
        raise NotFound("adapter", str(folder))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # peft asks transformers by an old name
        return PeftModel.from_pretrained(model, str(folder))
