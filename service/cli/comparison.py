"""Several pipelines' riddles of one article, side by side where the terminal is wide enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from service.cli.hostile import clean, clean_line
from service.cli.terminal import out, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_COLUMN_WIDTH = 48


def print_comparison(results: Sequence[Mapping[str, Any]]) -> None:
    """Print the results of `pipelines compare`; plain blocks where the output is no terminal."""
    if out().is_terminal:
        width = min(_COLUMN_WIDTH, out().width)
        out().print(Columns([Panel(_body(result), title=Text(result["pipeline"]), width=width) for result in results]))
        return
    for result in results:
        say(f"== {clean_line(result['pipeline'])}")
        out().print(_body(result))
        say()


def _body(result: Mapping[str, Any]) -> Group:
    riddle = result["riddle"]
    if riddle is None:
        return Group(Text(clean_line(result["error"]), style="red"))
    refused = [check["name"] for check in riddle["checks"] if not check["passed"]]
    verdict = Text(f"refused by {', '.join(refused)}", "yellow") if refused else Text("all checks passed", "green")
    usage = riddle["usage"]
    seconds = riddle["timings_ms"]["total"] / 1000
    return Group(
        Text(clean(riddle["riddle"] or "no riddle"), style="bold"),
        Text(f"\nAnswer: {clean_line(riddle['answer'] or '-')}"),
        verdict,
        Text(f"{seconds:.1f} s, {usage['input_tokens']} + {usage['output_tokens']} tokens", style="dim"),
    )
