"""`python -m prompts.release`: notes the built-in prompt versions that are new, and refuses changed old ones."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prompts.promptfile import load_prompt
from prompts.released import BUILTIN, builtin_hashes, write_builtin_hashes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prompts.prompt import Prompt

_PROMPTS = Path(__file__).with_name("prompts")


def changed(prompts: Iterable[Prompt], hashes: Mapping[str, str]) -> list[str]:
    """The released versions whose content is another one now."""
    return [prompt.ref for prompt in prompts if hashes.get(prompt.ref, prompt.content_hash) != prompt.content_hash]


def main(folder: Path = _PROMPTS, hashes_path: Path = BUILTIN) -> int:
    """Adds new versions to the released ones; 1 where a released one changed or went, and then nothing is written."""
    prompts = [load_prompt(path, "builtin") for path in sorted(folder.glob("*.yaml"))]
    hashes = builtin_hashes(hashes_path)
    current = {prompt.ref: prompt.content_hash for prompt in prompts if not prompt.draft}
    broken = [*changed(prompts, hashes), *sorted(hashes.keys() - current.keys())]
    for ref in broken:
        sys.stderr.write(
            f"{ref} was released and has changed or gone: restore it and give the new text a new version\n"
        )
    if broken:
        return 1
    for ref in sorted(current.keys() - hashes.keys()):
        sys.stdout.write(f"released {ref}\n")
    write_builtin_hashes({**hashes, **current}, hashes_path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
