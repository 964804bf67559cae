"""Audit rows against what they tell of: each effect has its row, and each row its effect.

A row that was deleted with its queue row before it was sealed shows only here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EffectCheck:
    """A query over one room's tables: `count` says how many effects there are, `sql` returns
    (kind, where, message) for each that does not agree. Both take the tenant as $1."""

    name: str
    tables: tuple[str, ...]
    count: str
    sql: str


_VERSIONS = """
    SELECT r.store, r.rtype || '/' || r.rid || '/_history/' || r.version AS entity, r.body
    FROM careloom.resource r WHERE r.tenant = $1
    UNION ALL
    SELECT h.store, h.rtype || '/' || h.rid || '/_history/' || h.version, h.body
    FROM careloom.resource_history h WHERE h.tenant = $1
"""
_WRITES = """
    SELECT a.store, a.entity, substring(a.content FROM '"sha256": "([0-9a-f]{64})"') AS sha256
    FROM careloom.audit a
    WHERE a.tenant = $1 AND a.action IN ('fhir.create', 'fhir.update', 'fhir.delete')
"""
_VERSIONS_AND_WRITES = f"""
    WITH v AS ({_VERSIONS}), w AS ({_WRITES})
    SELECT CASE WHEN w.entity IS NULL THEN 'effect_without_audit'
                WHEN v.entity IS NULL THEN 'audit_without_effect'
                ELSE 'effect_changed' END AS kind,
      coalesce(v.store, w.store) || '/' || coalesce(v.entity, w.entity) AS entity,
      CASE WHEN w.entity IS NULL THEN 'no audit row tells of the writing of this version'
           WHEN v.entity IS NULL THEN 'an audit row tells of this version, which does not exist'
           ELSE 'the stored bytes are not those that the audit row hashed' END AS message
    FROM v FULL JOIN w ON v.store = w.store AND v.entity = w.entity
    WHERE v.entity IS NULL OR w.entity IS NULL
      OR w.sha256 IS DISTINCT FROM encode(sha256(v.body), 'hex')
"""  # noqa: S608 (both parts are constants)

CHECKS = (
    EffectCheck(
        "resource versions",
        ("resource", "resource_history"),
        f"SELECT count(*) FROM ({_VERSIONS}) v",  # noqa: S608 (both parts are constants)
        _VERSIONS_AND_WRITES,
    ),
    EffectCheck(
        "DICOM instances",
        ("dicom_instance",),
        "SELECT count(*) FROM careloom.dicom_instance i WHERE i.tenant = $1",
        """
        SELECT 'effect_without_audit' AS kind, i.store || '/' || i.instance AS entity,
          'the instance exists, but no audit row tells of its storing' AS message
        FROM careloom.dicom_instance i
        LEFT JOIN careloom.audit a ON a.tenant = $1 AND a.store = i.store
          AND a.action = 'dicom.store'
          AND a.entity = 'dicom://' || i.study || '/' || i.series || '/' || i.instance
        WHERE i.tenant = $1 AND a.audit_id IS NULL
        """,
    ),
    EffectCheck(
        "steps",
        ("step", "run"),
        "SELECT count(*) FROM careloom.step s WHERE s.tenant = $1",
        # A forked run holds copies of its origin's steps, which were audited there.
        """
        SELECT 'effect_without_audit' AS kind, s.entity,
          'more steps are journalled than audit rows tell of' AS message
        FROM (SELECT 'Run/' || s.run_id || '/' || s.path AS entity, 'step.' || s.outcome AS action,
                     count(*) AS n
              FROM careloom.step s JOIN careloom.run r ON r.tenant = $1 AND r.run_id = s.run_id
              WHERE s.tenant = $1 AND r.origin_run = r.run_id GROUP BY 1, 2) s
        LEFT JOIN (SELECT a.entity, a.action, count(*) AS n FROM careloom.audit a
                   WHERE a.tenant = $1 GROUP BY 1, 2) a USING (entity, action)
        WHERE coalesce(a.n, 0) < s.n
        """,
    ),
)
