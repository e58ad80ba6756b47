"""A riddle as it comes to be, told to a person: what was found, the summary, the riddle as it is written, the verdict.

It is told from the events of the HTTP stream, as the service sends them, so that a riddle made here and one made by a
server look the same. On a terminal the part being written is live and is wiped when an attempt is thrown away; what is
done is printed once and stays. Elsewhere only what is done is printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from rich.console import Group
from rich.padding import Padding
from rich.spinner import Spinner
from rich.text import Text

from service.cli.hostile import clean, clean_line
from service.cli.terminal import print_indented

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console, RenderableType
    from rich.live import Live

_INDENT = (0, 0, 0, 2)
_HEADING = "bold magenta"


class Story:
    """Tells one riddle; use it as a context manager so that the terminal is left as it was.

    Args:
        console: Where it is told.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live: Live | None = None
        self._heading = ""
        self._written = ""

    def __enter__(self) -> Self:
        self._await("Looking for examples")
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop()

    def tell(self, event: str, data: Mapping[str, Any]) -> None:
        """Tell one event; one whose name is new to us is passed over."""
        match event:
            case "examples":
                self._print_examples(data["examples"])
                self._await("Summarising")
            case "summary.delta":
                self._write("Summary", data["text"])
            case "summary":
                self._print("Summary", clean(data["summary"]))
                self._await("Writing the riddle")
            case "riddle.delta":
                self._write("Riddle", data["text"])
            case "riddle":
                self._print("Riddle", clean(data["riddle"]), style="bold")
                self._await("Checking")
            case "retry":
                self._print_retry(data)
            case "result":
                self._stop()
                self._print_result(data)

    def _print_examples(self, examples: list[Mapping[str, Any]]) -> None:
        lines = [
            Text.assemble(
                (f"{example['score']:.2f}", "cyan"), "  ", clean_line(example["headline"] or example["id"]),
                (f"  {clean_line(example['topic'])}" if example["topic"] else "", "dim"),
            )
            for example in reversed(examples)
        ]  # fmt: skip
        if lines:
            self._print("Examples, most similar first", Text("\n").join(lines))

    def _print_retry(self, data: Mapping[str, Any]) -> None:
        reasons = "; ".join(clean_line(reason) for reason in data["reasons"])
        line = Text(f"Attempt {data['attempt']} was thrown away: {reasons}", style="yellow")
        self._print("", line)
        self._await("Trying again")

    def _print_result(self, riddle: Mapping[str, Any]) -> None:
        if riddle["riddle"] is None:
            self._print("Riddle", Text("None: no attempt gave one that could be read.", style="yellow"))
        self._print(_verdict(riddle), Text("\n").join(_check(check) for check in riddle["checks"]))
        if riddle["hints"]:
            hints = (f"{number}. {clean_line(hint)}" for number, hint in enumerate(riddle["hints"], 1))
            self._print("Hints", Text("\n".join(hints)))
        self._print("", Text(_figures(riddle), style="dim"))
        if riddle.get("answer"):
            self._print("Answer", Text(clean_line(riddle["answer"]), style="bold green"))

    def _print(self, heading: str | Text, body: str | Text, *, style: str = "") -> None:
        self._stop()
        if heading:
            self._console.print(heading if isinstance(heading, Text) else Text(heading, style=_HEADING))
        print_indented(Text(body, style=style) if isinstance(body, str) else body, self._console)
        self._console.print()

    def _write(self, heading: str, text: str) -> None:
        if heading != self._heading:
            self._heading, self._written = heading, ""
        self._written += text
        body = Text(clean(self._written)) + Text("▌", style="dim")
        self._show(Group(Text(heading, style=_HEADING), Padding(body, _INDENT)))

    def _await(self, what: str) -> None:
        self._heading, self._written = "", ""
        self._show(Spinner("dots", Text(f"{what} …", style="dim")))

    def _show(self, view: RenderableType) -> None:
        if not self._console.is_terminal:
            return
        if self._live is None:
            from rich.live import Live

            self._live = Live(view, console=self._console, transient=True, refresh_per_second=12)
            self._live.start()
        self._live.update(view)

    def _stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _verdict(riddle: Mapping[str, Any]) -> Text:
    if riddle["status"] == "published":
        return Text("Checks: all passed", style="bold green")
    return Text("Checks: needs review", style="bold yellow")


def _check(check: Mapping[str, Any]) -> Text:
    mark = ("✓ ", "green") if check["passed"] else ("✗ ", "bold red")
    detail = f"  {clean_line(check['detail'])}" if check["detail"] else ""
    return Text.assemble(mark, check["name"], (detail, "dim" if check["passed"] else ""))


def _figures(riddle: Mapping[str, Any]) -> str:
    usage = riddle["usage"]
    cached = f" ({usage['cached_tokens']} cached)" if usage.get("cached_tokens") else ""
    cost = f", ${usage['cost_usd']:.5f}" if usage["cost_usd"] else ""
    attempts = f", {riddle['attempts']} attempts" if riddle["attempts"] > 1 else ""
    return (
        f"{clean_line(riddle['pipeline'])}: {riddle['timings_ms']['total'] / 1000:.1f} s{attempts}, "
        f"{usage['input_tokens']} tokens read{cached}, {usage['output_tokens']} written{cost}"
    )
