"""kill -9 under load: what was acknowledged is there, as far as appendfsync promises, and what is
there is what the commands up to some moment make. `make kill-loop` goes on for longer."""

import pytest

from conftest import CHECKED_BUILD
from kill import FORGETFUL, MODES, run

KILLS = 2 if CHECKED_BUILD else 5


@pytest.mark.parametrize("mode", MODES)
def test_a_process_that_is_killed(tmp_path, mode):
    loop = run(tmp_path, mode, KILLS, seed=1)
    assert loop.kills == KILLS and loop.steps > 0
    print(loop.summary())


@pytest.mark.skipif(CHECKED_BUILD, reason="nothing is loaded before a sanitizer")
@pytest.mark.parametrize("mode", MODES)
def test_a_machine_that_stops(tmp_path, mode):
    assert FORGETFUL.exists(), f"make {FORGETFUL}"
    loop = run(tmp_path, mode, KILLS, seed=2, forgetful=True)
    assert loop.kills == KILLS and loop.steps > 0
    print(loop.summary())
