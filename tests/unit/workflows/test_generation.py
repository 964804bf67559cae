"""Keys of steps whose run is done again."""

from __future__ import annotations

from careloom.workflows.engine.generation import generation, next_generation


def test_a_step_that_failed_keeps_its_key_however_often_its_run_is_retried() -> None:
    first = {"principal": "p"}
    second = next_generation(first, ["steps/a"])
    third = next_generation(second, ["steps/a"])
    assert [generation(actor, "steps/a") for actor in (first, second, third)] == [0, 0, 0]
    assert [generation(actor, "steps/b") for actor in (first, second, third)] == [0, 1, 2]
    assert generation(next_generation(third, []), "steps/a") == 3
    assert generation(next_generation(second, ["steps/b"]), "steps/b") == 1
