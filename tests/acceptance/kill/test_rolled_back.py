"""PostgreSQL rolls a commit of the engine back: a deadlock, a time-out, no room, no memory."""

from __future__ import annotations

import pytest
from tests.acceptance.kill.cases import Clinic
from tests.acceptance.kill.every_shape import EVERY
from tests.acceptance.kill.forks import Forks
from tests.acceptance.kill.shape_runs import begun, ended, faults_of

SHAPES = ("parallel", "loop", "event", "rollback by type", "approval")
STATES = {
    "40P01": "deadlock",
    "40001": "serialisation",
    "57014": "time-out",
    "53100": "disk full",
    "53200": "out of memory",
}
"""The first three are repeated on the spot, four times at most; for the others the run is left to
whoever claims it when its lease has run out."""
_RAISE = """
CREATE OR REPLACE FUNCTION careloom.test_rolls_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- A sequence is not rolled back: every seventh row is refused, and with it its whole batch.
  IF NEW.tenant = TG_ARGV[0] AND nextval('careloom.test_rolls') % 7 = 1 THEN
    RAISE EXCEPTION 'the test rolls back' USING ERRCODE = TG_ARGV[1];
  END IF;
  RETURN NEW;
END $$
"""


@pytest.mark.parametrize("sqlstate", STATES, ids=STATES.get)
async def test_what_postgresql_rolls_back_is_done_once_all_the_same(
    clinic: Clinic, forks: Forks, sqlstate: str
) -> None:
    """Every seventh row of the journal is refused with the whole transaction."""
    shapes = [shape for shape in EVERY if shape.name in SHAPES]
    assert len(shapes) == len(SHAPES)
    cases = [(shape, *await begun(clinic, shape)) for shape in shapes]
    tenants = [case.tenant for _, case, _ in cases]
    admin = clinic.admin
    await admin.execute("CREATE SEQUENCE careloom.test_rolls")
    await admin.execute("GRANT USAGE ON SEQUENCE careloom.test_rolls TO careloom_app")
    await admin.execute(_RAISE)
    for number, tenant in enumerate(tenants):
        await admin.execute(
            f"CREATE TRIGGER test_rolls_back_{number} BEFORE INSERT ON careloom.step"
            f" FOR EACH ROW EXECUTE FUNCTION careloom.test_rolls_back('{tenant}', '{sqlstate}')"
        )
    worker = await forks.fork(tenants[0], also=tenants[1:], lease=1)
    try:
        found = []
        for shape, case, run in cases:
            state = await ended(clinic, case, run, shape)
            found += [await faults_of(clinic, case, shape, state)]
        refused = await admin.fetchval("SELECT last_value FROM careloom.test_rolls")
    finally:
        await worker.kill()
        await admin.execute("DROP FUNCTION careloom.test_rolls_back() CASCADE")
        await admin.execute("DROP SEQUENCE careloom.test_rolls")
    assert [said for one in found for kind in one.values() for said in kind] == []
    assert refused > 5
