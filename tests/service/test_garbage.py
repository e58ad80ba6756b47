from __future__ import annotations

import subprocess
import sys
from textwrap import dedent


def run(program: str) -> list[str]:
    """What a process of its own prints: freezing cannot be taken back without undoing what others froze."""
    done = subprocess.run([sys.executable, "-c", dedent(program)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_a_serving_process_searches_no_more_what_was_there_and_keeps_no_garbage() -> None:
    kept, searched, alive = run(
        """
        import gc, weakref
        from service.garbage import search_less, spare_what_is_there
        class Thing: pass
        search_less()
        garbage = Thing(); garbage.itself = garbage
        seen = weakref.ref(garbage); del garbage
        mine = [Thing() for _ in range(1000)]
        spare_what_is_there()
        print(gc.get_freeze_count() > 1000, sum(isinstance(one, Thing) for one in gc.get_objects()), seen() is not None)
        """
    )
    assert (kept, searched, alive) == ("True", "0", "False")


def test_somebody_elses_process_is_left_as_it_is() -> None:
    assert run(
        """
        import gc
        before = gc.get_threshold()
        from service.garbage import spare_what_is_there
        spare_what_is_there()
        print(gc.get_freeze_count(), gc.get_threshold() == before)
        """
    ) == ["0", "True"]
