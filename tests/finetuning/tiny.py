"""A language model of a few thousand weights with a tokenizer of bytes, so that training takes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetuning.sample import Message, Sample

if TYPE_CHECKING:
    from pathlib import Path

    from retrievers.splits import Split

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_tiny_model(folder: Path, spread: float = 0.3) -> Path:
    """A llama of two layers with random weights of that standard deviation, the same every time.

    With the default, words are far enough apart for an adapter to choose among them.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<|im_start|>", "<|im_end|>"]
    tokenizer = Tokenizer(models.BPE({token: at for at, token in enumerate([*special, *alphabet])}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=special[0], eos_token=special[1], pad_token=special[1]
    )
    fast.chat_template = TEMPLATE
    torch.manual_seed(1)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(alphabet) + len(special),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=512,
            tie_word_embeddings=True,
            initializer_range=spread,
        )
    )
    model.save_pretrained(folder)
    fast.save_pretrained(folder)
    return folder


def sample(question: str, answer: str, *, split: Split = "train", step: str = "riddle") -> Sample:
    """One question with its answer."""
    return Sample(
        step=step,
        messages=(Message(role="system", content="Answer."), Message(role="user", content=question)),
        answer=answer,
        example_id=question,
        split=split,
    )


def task(count: int = 24) -> list[Sample]:
    """Something that can be learnt in few updates: whatever is asked, the answer is one of two words."""
    words = ("fog fog fog", "rain rain rain")
    train = [sample(f"case {n}", words[n % 2], step="riddle" if n % 2 else "summarize") for n in range(count)]
    dev = [sample(f"dev {n}", words[n % 2], split="dev", step="riddle" if n % 2 else "summarize") for n in range(6)]
    return [*train, *dev]
