"""The catalog: all prompts and pipelines in force, built-in ones overlaid by the user's own, kept up with edits."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from prompts.folder import FileProblem, Folder
from prompts.grammar import load_grammar
from prompts.pipelinefile import load_pipeline
from prompts.promptfile import load_prompt
from prompts.released import ReleasedPrompts, builtin_hashes
from prompts.snapshot import Snapshot

if TYPE_CHECKING:
    from prompts.pipeline import PipelineSpec
    from prompts.prompt import Prompt, Source

_PACKAGE = Path(__file__).parent
_REFRESH_EVERY_S = 0.25


class Catalog:
    """Prompts and pipelines by name. Thread-safe: readers see one consistent state, swapped as a whole.

    Args:
        home: The user's folder; its `prompts/*.yaml`, `pipelines/*.yaml` and `grammars/*.gbnf` overlay the built-in
            ones. None: the built-in ones only.

    Broken files do not raise here: they are listed by `problems()` and what was good before stays in force.
    """

    def __init__(self, home: Path | None = None) -> None:
        self._builtin = _Folders(_PACKAGE, "builtin")
        self._user = _Folders(home, "user") if home is not None else None
        self._hashes = builtin_hashes()
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._revision = 0
        self._snapshot = Snapshot()
        self.refresh(now=True)

    @property
    def revision(self) -> int:
        """Grows whenever something in force may have changed; compare it to know whether to build again."""
        return self._revision

    def refresh(self, *, now: bool = False) -> bool:
        """Picks up edits of files; tells whether there were any. Cheap: it looks at most every 0.25 s.

        Args:
            now: Look even if the last look was just before.
        """
        if not now and time.monotonic() - self._looked_at < _REFRESH_EVERY_S:
            return False
        if not self._lock.acquire(blocking=now):
            return False  # another thread is looking
        try:
            return self._look()
        finally:
            self._lock.release()

    def prompt(self, ref: str) -> Prompt:
        """The latest version of `name`, or exactly `name@version`.

        Raises:
            NotFound: No such prompt is in force.
        """
        return self._snapshot.prompt(ref)

    def pipeline(self, name: str) -> PipelineSpec:
        """The pipeline of that name.

        Raises:
            NotFound: No such pipeline.
            InvalidFile: Its file is broken and was never good since the start.
        """
        return self._snapshot.pipeline(name)

    def prompts(self) -> list[Prompt]:
        """All versions of all prompts, by name and version."""
        return [prompt for _, prompt in sorted(self._snapshot.prompts.items())]

    def pipelines(self) -> list[PipelineSpec]:
        """All pipelines by name."""
        return [pipeline for _, pipeline in sorted(self._snapshot.pipelines.items())]

    def problems(self) -> tuple[FileProblem, ...]:
        """Why files, or their newest content, are not in force; empty when all is well."""
        return tuple(self._snapshot.problems)

    def _look(self) -> bool:
        changed = [folders.refresh() for folders in (self._builtin, self._user) if folders]
        self._looked_at = time.monotonic()
        if not any(changed):
            return False
        self._snapshot = self._fresh()
        self._revision += 1
        return True

    def _fresh(self) -> Snapshot:
        snapshot = Snapshot()
        snapshot.add_builtin_prompts(self._builtin.prompts.files(), self._hashes)
        if self._user:
            snapshot.add_user_prompts(self._user.prompts.files(), self._user.released)
        for folders in (self._builtin, self._user):
            if folders:
                snapshot.add_grammars(folders.grammars.files())
        for folders in (self._builtin, self._user):
            if folders:
                snapshot.add_pipelines(folders.pipelines.files())
        return snapshot


class _Folders:
    """The folders of the package, or of a user."""

    def __init__(self, root: Path, source: Source) -> None:
        self.prompts = Folder(root / "prompts", ".yaml", lambda path: load_prompt(path, source))
        self.pipelines = Folder(root / "pipelines", ".yaml", lambda path: load_pipeline(path, source))
        self.grammars = Folder(root / "grammars", ".gbnf", load_grammar)
        self.released = ReleasedPrompts(root / "prompts" / ".released")

    def refresh(self) -> bool:
        changed = [folder.refresh() for folder in (self.prompts, self.pipelines, self.grammars)]
        return any(changed)
