"""What is in force at one moment: prompts, pipelines and grammars that fit together, and why anything else is not."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from domain.errors import InvalidFile, NotFound
from prompts.folder import FileProblem
from prompts.pipeline import STEP_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from prompts.folder import Loaded
    from prompts.pipeline import PipelineSpec, StepName, StepSpec
    from prompts.pipelinefile import PipelineFile
    from prompts.prompt import Prompt
    from prompts.released import ReleasedPrompts


@dataclass(slots=True)
class Snapshot:
    """Filled once by a catalog, then only read."""

    prompts: dict[tuple[str, int], Prompt] = field(default_factory=dict)
    latest: dict[str, Prompt] = field(default_factory=dict)
    pipelines: dict[str, PipelineSpec] = field(default_factory=dict)
    refused: dict[str, FileProblem] = field(default_factory=dict)
    grammars: dict[str, str] = field(default_factory=dict)
    problems: list[FileProblem] = field(default_factory=list)

    def prompt(self, ref: str) -> Prompt:
        """The prompt of `name` (its latest version) or `name@version`."""
        name, at, version = ref.partition("@")
        if not at and name in self.latest:
            return self.latest[name]
        if at and version.isascii() and version.isdigit() and (name, int(version)) in self.prompts:
            return self.prompts[name, int(version)]
        same_name = [prompt.ref for prompt in self.prompts.values() if prompt.name == name]
        raise NotFound("prompt", ref, sorted(same_name) or sorted(self.latest))

    def pipeline(self, name: str) -> PipelineSpec:
        """The pipeline of that name; its file's problem is raised where it has never been usable."""
        if name in self.pipelines:
            return self.pipelines[name]
        if name in self.refused:
            raise self.refused[name].error()
        raise NotFound("pipeline", name, sorted(self.pipelines))

    def add_builtin_prompts(self, files: Iterable[Loaded[Prompt]], hashes: Mapping[str, str]) -> None:
        """Puts the package's prompts in force; a changed released one is reported."""
        for prompt in self._good(files):
            self._put(prompt)
            if hashes.get(prompt.ref, prompt.content_hash) != prompt.content_hash:
                self._changed_under_old_version(prompt)

    def add_user_prompts(self, files: Iterable[Loaded[Prompt]], released: ReleasedPrompts) -> None:
        """Puts the user's prompts in force; a version that was released with other content stays as it was."""
        for prompt in self._good(files):
            known = self.prompts.get((prompt.name, prompt.version))
            if known is not None and known.source == "user":
                self._complain(prompt, f"{prompt.ref} stands in {known.path.name} already: raise the version of one")
            elif known is not None and known.content_hash != prompt.content_hash:
                reason = f"{known.ref} is built in, with other content: raise version to {self._next_version(prompt)}"
                self._complain(prompt, reason)
            else:
                self._put(self._as_released(prompt, released))

    def add_grammars(self, files: Iterable[Loaded[str]]) -> None:
        """Puts grammars in force; a later file overlays an earlier one of its name."""
        for file in files:
            if file.problem:
                self.problems.append(file.problem)
            if file.value:
                self.grammars[file.path.stem] = file.value

    def add_pipelines(self, files: Iterable[Loaded[PipelineFile]]) -> None:
        """Puts pipelines in force whose prompts and grammars exist; later files overlay earlier ones of their name."""
        for file in files:
            if file.problem:
                self._refuse(file.path.stem, file.problem)
            if file.value:
                self._add_pipeline(*file.value)

    def _add_pipeline(self, spec: PipelineSpec, lines: Mapping[StepName, int]) -> None:
        try:
            steps = tuple(self._checked(step, spec, lines[step.step]) for step in spec.steps)
        except InvalidFile as error:
            self._refuse(spec.name, FileProblem.of(error))
        else:
            self.pipelines[spec.name] = dataclasses.replace(spec, steps=steps)

    def _refuse(self, name: str, problem: FileProblem) -> None:
        """Takes away what the file would have overlaid too: it may call another model than the user chose."""
        self.pipelines.pop(name, None)
        self.refused[name] = problem
        self.problems.append(problem)

    def _checked(self, step: StepSpec, spec: PipelineSpec, line: int) -> StepSpec:
        try:
            prompt = self.prompt(step.prompt)
        except NotFound as error:
            raise InvalidFile(spec.path, line, str(error)) from None
        offered = STEP_VARIABLES[step.step]
        if unknown := set(prompt.variables) - offered:
            wants, offers = ", ".join(sorted(unknown)), ", ".join(sorted(offered))
            reason = f"prompt {prompt.ref} wants {wants}, but the step {step.step} offers {offers}"
            raise InvalidFile(spec.path, line, reason)
        grammar = self._grammar(step, spec, line)
        return dataclasses.replace(step, settings=dataclasses.replace(step.settings, grammar_text=grammar))

    def _grammar(self, step: StepSpec, spec: PipelineSpec, line: int) -> str | None:
        name = step.settings.grammar
        if name is not None and name not in self.grammars:
            raise InvalidFile(spec.path, line, str(NotFound("grammar", name, sorted(self.grammars))))
        return None if name is None else self.grammars[name]

    def _good(self, files: Iterable[Loaded[Prompt]]) -> Iterator[Prompt]:
        for file in files:
            if file.problem:
                self.problems.append(file.problem)
            if file.value:
                yield file.value

    def _as_released(self, prompt: Prompt, released: ReleasedPrompts) -> Prompt:
        if prompt.draft:
            return prompt
        try:
            first = released.released(prompt)
        except InvalidFile as error:
            self.problems.append(FileProblem.of(error))
            return prompt
        if first.content_hash == prompt.content_hash:
            return prompt
        self._changed_under_old_version(prompt)
        return first

    def _changed_under_old_version(self, prompt: Prompt) -> None:
        reason = (
            f"{prompt.name}@{prompt.version} was released with other content, which stays: "
            f"raise version to {self._next_version(prompt)}"
        )
        self._complain(prompt, reason)

    def _complain(self, prompt: Prompt, reason: str) -> None:
        self.problems.append(FileProblem(prompt.path, None, reason))

    def _next_version(self, prompt: Prompt) -> int:
        known = [version for name, version in self.prompts if name == prompt.name]
        return max(*known, prompt.version, 0) + 1

    def _put(self, prompt: Prompt) -> None:
        self.prompts[prompt.name, prompt.version] = prompt
        if prompt.name not in self.latest or prompt.version >= self.latest[prompt.name].version:
            self.latest[prompt.name] = prompt
