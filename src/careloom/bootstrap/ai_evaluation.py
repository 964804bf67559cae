"""Builds evaluation: gold sets, evaluations, gates, and cases out of reviewed tasks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from careloom.ai.evaluation.demotions import Demotions
from careloom.ai.evaluation.evaluations import Evaluations
from careloom.ai.evaluation.gates import Gates
from careloom.ai.evaluation.gold_sets import GoldSets
from careloom.ai.evaluation.rounds import Rounds
from careloom.ai.evaluation.watch import Watch
from careloom.bootstrap.ai_watch import build_watch
from careloom.bootstrap.deployment_gate import DeploymentGate
from careloom.bootstrap.reviewed_cases import ReviewedCases
from careloom.bootstrap.step_answers import AiFacts, StepAnswers
from careloom.store.database import Database
from careloom.store.keys import Keyring
from careloom.tasks.service import Tasks
from careloom.tasks.timers import Notifier
from careloom.workflows.deployment import Deployment
from careloom.workflows.operations import Operations
from careloom.workflows.registry import Registry
from careloom.workflows.step import StepCatalog


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The services of evaluation."""

    gold: GoldSets
    evaluations: Evaluations
    gates: Gates
    answers: StepAnswers
    reviewed: ReviewedCases
    demotions: Demotions
    watch: Watch
    gate: DeploymentGate
    rounds: Rounds


def build_evaluation(
    db: Database,
    keyring: Keyring,
    facts: AiFacts,
    registry: Registry,
    operations: Operations,
    deployment: Deployment,
    catalog: StepCatalog,
    tasks: Tasks,
    demotions: Demotions,
    notifier: Notifier,
    serves: Callable[[str], bool],
    environment_of: Callable[[str], Awaitable[str]],
) -> Evaluation:
    """The services; deployments pass their gate from here on."""
    versions = operations.versions
    answers = StepAnswers(facts, registry, versions, deployment, catalog, environment_of)
    gold = GoldSets(db, keyring)
    evaluations = Evaluations(db, keyring, gold, answers)
    gates = Gates(db, evaluations)
    reviewed = ReviewedCases(gold, tasks, registry, operations.replays.past)
    watch = build_watch(db, demotions, tasks, notifier, serves)
    gate = DeploymentGate(gates, answers, registry, demotions, watch.settings)
    deployment.gate, evaluations.finished = gate, gate.reconsider
    rounds = Rounds(db, evaluations, gate.look, serves)
    return Evaluation(gold, evaluations, gates, answers, reviewed, demotions, watch, gate, rounds)
