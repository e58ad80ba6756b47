"""Writes a PEFT LoRA adapter as a GGUF adapter, which the embedded engine loads beside the model it was trained on.

The naming of tensors is the `gguf` package's own. Rotary embeddings are laid out in two halves in Hugging Face models
of the llama family and in pairs in llama.cpp, so the rows of q and k change places, as in llama.cpp's converter
(`convert_lora_to_gguf.py`), with which the files agree tensor by tensor.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from finetuning.base_model import need_packages
from finetuning.errors import ExportFailed

if TYPE_CHECKING:
    from pathlib import Path

_WEIGHT: Final = re.compile(r"base_model\.model\.(.+)\.lora_(A|B)\.weight")
_ARCHITECTURE: Final = "llama"
_PLAIN_ONLY: Final = ("use_dora", "alpha_pattern", "rank_pattern")


def write_gguf_adapter(adapter: Path, base: Path, target: Path, *, half: bool = True) -> int:
    """Convert an adapter.

    Args:
        adapter: Folder with `adapter_config.json` and `adapter_model.safetensors`.
        base: The GGUF file of the model it was trained on, of the llama family.
        target: Where to; an existing file is replaced.
        half: Store 16-bit floats, half the size; else 32-bit.

    Returns:
        How many tensors were written.

    Raises:
        MissingExtra: A package is not installed.
        ExportFailed: It is no plain LoRA, or of another model.
    """
    need_packages()
    import gguf
    import numpy as np
    from safetensors.numpy import load_file

    config = _config(adapter)
    reader = gguf.GGUFReader(base)
    sizes = _Sizes(reader)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, sizes.layers)
    known = {tensor.name for tensor in reader.tensors}
    writer = gguf.GGUFWriter(target, _ARCHITECTURE)
    writer.add_type(gguf.GGUFType.ADAPTER)
    writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
    writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, _alpha(config))
    weights = load_file(adapter / "adapter_model.safetensors")
    for key in sorted(weights):
        matched = _WEIGHT.fullmatch(key)
        name = names.get_name(f"{matched[1]}.weight", (".weight",)) if matched else None
        if matched is None or name not in known:
            raise ExportFailed(f"{base.name} has no weights for {key}")
        weight = weights[key].astype(np.float32)
        if matched[2] == "B":
            weight = _reordered(weight, matched[1], sizes)
        stored = np.ascontiguousarray(weight.astype(np.float16) if half else weight)
        writer.add_tensor(f"{name}.lora_{matched[2].lower()}", stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return len(weights)


class _Sizes:
    def __init__(self, reader: Any) -> None:
        architecture = reader.fields["general.architecture"].contents()
        if architecture != _ARCHITECTURE:
            raise ExportFailed(f"GGUF adapters are written for models of the llama family, not for {architecture!r}")
        counts = ("attention.head_count", "attention.head_count_kv", "block_count")
        self.heads, self.key_heads, self.layers = (
            int(reader.fields[f"{architecture}.{name}"].contents()) for name in counts
        )


def _config(adapter: Path) -> dict[str, Any]:
    path = adapter / "adapter_config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ExportFailed(f"{path} cannot be read: {error}") from error
    special = [name for name in _PLAIN_ONLY if config.get(name)]
    if special:
        raise ExportFailed(f"only plain LoRA can become a GGUF adapter; this one has {', '.join(special)}")
    return config


def _alpha(config: dict[str, Any]) -> float:
    """llama.cpp scales by alpha / rank; rank-stabilised LoRA (arXiv:2312.03732) by alpha / sqrt(rank)."""
    rank, alpha = float(config["r"]), float(config["lora_alpha"])
    return alpha * rank**0.5 if config.get("use_rslora") else alpha


def _reordered(weight: Any, module: str, sizes: _Sizes) -> Any:
    """Rows in llama.cpp's order; only those of q and k differ."""
    if module.endswith("q_proj"):
        heads = sizes.heads
    elif module.endswith("k_proj"):
        heads = sizes.key_heads
    else:
        return weight
    rows, *rest = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, *rest).swapaxes(1, 2).reshape(weight.shape)
