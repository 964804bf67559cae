"""Generated from the OpenAPI document by generate.py: change that, not this."""

from __future__ import annotations

from typing import Any, Literal

from careloom_client.values import Model


class RunAsked(Model):
    """RunAsked of the API."""

    run_id: str
    status: Literal["pausing", "resuming", "cancelling", "rolling back"]
    changed: bool
    children: list[str]


class RunsOrder(Model):
    """RunsOrder of the API."""

    action: Literal["pause", "resume", "cancel", "rollback", "retry"]
    run_ids: list[str]
    filter: Model
    from_: str
    version: int | Literal["latest"]


class RunsAsked(Model):
    """RunsAsked of the API."""

    action: str
    summary: Model
    runs: list[Model]


class RetryOrder(Model):
    """RetryOrder of the API."""

    from_: str
    version: int | Literal["latest"]
    input: Model


class RunRetried(Model):
    """RunRetried of the API."""

    run_id: str
    status: Literal["running"]
    retry_of: str
    workflow_id: str
    version: int
    kept_steps: int


class Timeline(Model):
    """Timeline of the API."""

    run_id: str
    status: str
    started_at: str
    finished_at: str | None
    step_count: int
    next_step: int | None
    bars: list[Model]


class DeadLetter(Model):
    """DeadLetter of the API."""

    id: str
    kind: Literal["run", "event"]
    workflow_id: str
    step: str | None
    code: str | None
    failed_at: str | None


class DeadLetters(Model):
    """DeadLetters of the API."""

    causes: list[Model]
    runs: list[DeadLetter]
    events: list[DeadLetter]


class DeadLetterDetail(Model):
    """DeadLetterDetail of the API."""

    id: str
    kind: Literal["run", "event"]


class DeadLetterSettled(Model):
    """DeadLetterSettled of the API."""

    id: str
    status: Literal["resent", "discarded"]


class Reason(Model):
    """Reason of the API."""

    reason: str


class VersionSummary(Model):
    """VersionSummary of the API."""

    version: int
    hash: str
    deployed_at: str
    deployed_by: str | None
    newest: bool
    unfinished_runs: int


class Version(Model):
    """Version of the API."""

    workflow_id: str
    version: int
    hash: str
    deployed_at: str
    deployed_by: str | None
    definition: Model
    source: str
    receipts: list[Model]


class Difference(Model):
    """Difference of the API."""

    workflow_id: str
    from_: int
    to: int
    same: bool
    words: list[str]
    changes: list[Model]


class VersionChosen(Model):
    """VersionChosen of the API."""

    version: int


class ReplayOrder(Model):
    """ReplayOrder of the API."""

    run_ids: list[str]
    last: int
    limit: int
    from_: str
    to: str
    version: int
    definition: str | Model


class Replay(Model):
    """Replay of the API."""

    replay_id: str
    workflow_id: str
    version: int | None
    definition_hash: str
    status: Literal["running", "done", "failed", "cancelled"]
    error: str | None
    created_at: str
    finished_at: str | None
    progress: Model
    summary: Model
    runs: list[Model]


class MigrationOrder(Model):
    """MigrationOrder of the API."""

    from_: int
    to: int
    dry_run: bool


class Migration(Model):
    """Migration of the API."""

    workflow_id: str
    from_: int
    to: int
    dry_run: bool
    summary: Model
    more: bool
    runs: list[Model]


class Evaluation(Model):
    """Evaluation of the API."""

    workflow_id: str | None
    path: str | None
    model: str | None
    version: str | None
    reviewed: int
    agreed: int
    edited: int
    rejected: int
    agreement: float
    interval: list[float]
    confidence: float | None
    calibration_error: float | None
    reliability: list[Model]
    fields: list[Model]
    cases: list[Model]


class AiModelGiven(Model):
    """AiModelGiven of the API."""

    provider: Literal["openai", "anthropic", "google", "ollama"]
    connection: str
    model: str
    data_class: Literal["none", "deidentified", "phi"]
    region: str | None
    context_length: int
    takes: list[Literal["image", "document"]]
    price: Model | None
    parameters: Model
    timeout: float
    fallback: str | None
    description: str | None


class AiModel(Model):
    """AiModel of the API."""

    name: str
    provider: Literal["openai", "anthropic", "google", "ollama"]
    connection: str
    model: str
    data_class: Literal["none", "deidentified", "phi"]
    region: str | None
    context_length: int
    takes: list[Literal["image", "document"]]
    price: Model | None
    parameters: Model
    timeout: float
    fallback: str | None
    description: str | None
    version: str


class AiModelPut(Model):
    """AiModelPut of the API."""

    name: str
    provider: Literal["openai", "anthropic", "google", "ollama"]
    connection: str
    model: str
    data_class: Literal["none", "deidentified", "phi"]
    region: str | None
    context_length: int
    takes: list[Literal["image", "document"]]
    price: Model | None
    parameters: Model
    timeout: float
    fallback: str | None
    description: str | None
    version: str
    findings: list[Finding]


class AiModelDeleted(Model):
    """AiModelDeleted of the API."""

    name: str


class AiModelTest(Model):
    """AiModelTest of the API."""

    name: str
    ok: bool
    code: str | None
    message: str
    model: str | None
    milliseconds: float


class AiWorkerGiven(Model):
    """AiWorkerGiven of the API."""

    name: str
    default_model_name: str
    description: str | None
    instructions: str
    tool_configs: Model
    output_schema: Model | None
    budget: Model
    fallback: Model
    data_class: Literal["none", "deidentified", "phi"]
    regions: list[str]
    review: Model
    retries: int
    on_doubt: Literal["repeat", "stop"]
    metadata: Model


class AiWorkerChange(Model):
    """AiWorkerChange of the API."""

    name: str
    default_model_name: str
    description: str | None
    instructions: str
    tool_configs: Model
    output_schema: Model | None
    budget: Model
    fallback: Model
    data_class: Literal["none", "deidentified", "phi"]
    regions: list[str]
    review: Model
    retries: int
    on_doubt: Literal["repeat", "stop"]
    metadata: Model


class AiWorker(Model):
    """AiWorker of the API."""

    id: str
    name: str
    default_model_name: str
    description: str | None
    instructions: str
    tool_configs: Model
    output_schema: Model | None
    budget: Model
    fallback: Model
    data_class: Literal["none", "deidentified", "phi"]
    regions: list[str]
    review: Model
    retries: int
    on_doubt: Literal["repeat", "stop"]
    metadata: Model
    version: int
    hash: str
    created_at: str
    updated_at: str


class AiWorkerVersion(Model):
    """AiWorkerVersion of the API."""

    version: int
    hash: str
    by: str | None
    at: str


class AiToolCall(Model):
    """AiToolCall of the API."""

    id: str
    name: str
    arguments: Model


class AiSessionGiven(Model):
    """AiSessionGiven of the API."""

    worker_id: str
    metadata: Model


class AiSession(Model):
    """AiSession of the API."""

    id: str
    worker_id: str
    worker_name: str
    worker_version: int
    status: Literal["active", "cancelled"]
    patient_id: str | None
    metadata: Model
    turns: int
    created_by: str | None
    created_at: str
    updated_at: str


class AiMessageGiven(Model):
    """AiMessageGiven of the API."""

    content: Any
    role: Literal["user"]
    stream: bool
    tools: list[Model]


class AiMessageSent(Model):
    """AiMessageSent of the API."""

    id: str
    session_id: str
    role: str
    content: Any
    task_id: str
    run_id: str
    status: str
    created_at: str
    answer: Model
    evidence: Model | None
    error: Model
    required_action: Model


class AiMessage(Model):
    """AiMessage of the API."""

    id: str
    session_id: str
    task_id: str
    turn: int
    role: Literal["user", "assistant", "tool", "system"]
    content: Any
    created_at: str


class AiTask(Model):
    """AiTask of the API."""

    id: str
    session_id: str
    message_id: str
    run_id: str
    turn: int
    status: Literal[
        "queued", "running", "requires_action", "waiting", "completed", "failed", "cancelled"
    ]
    created_at: str
    finished_at: str | None
    answer: Model
    evidence: Model | None
    error: Model
    required_action: Model


class AiOutputsGiven(Model):
    """AiOutputsGiven of the API."""

    tool_outputs: list[Model]


class AiCall(Model):
    """AiCall of the API."""

    id: str
    run_id: str | None
    session_id: str | None
    path: str
    number: int
    worker: str
    worker_version: int
    model: str
    model_version: str
    status: Literal["begun", "waiting", "received", "failed"]
    outcome: str | None
    attempts: int
    doubts: int
    prompt_sha256: str
    answer_sha256: str | None
    input_tokens: int
    output_tokens: int
    cost: float
    milliseconds: float | None
    created_at: str
    finished_at: str | None


class ImageExplanation(Model):
    """ImageExplanation of the API."""

    uri: str
    model: str
    version: str
    size: int
    cells: list[float]


class AiCallWhole(Model):
    """AiCallWhole of the API."""

    id: str
    run_id: str | None
    session_id: str | None
    path: str
    number: int
    worker: str
    worker_version: int
    model: str
    model_version: str
    status: Literal["begun", "waiting", "received", "failed"]
    outcome: str | None
    attempts: int
    doubts: int
    prompt_sha256: str
    answer_sha256: str | None
    input_tokens: int
    output_tokens: int
    cost: float
    milliseconds: float | None
    created_at: str
    finished_at: str | None
    request: Model | None
    answer: Model | None


class RedactionGiven(Model):
    """RedactionGiven of the API."""

    text: str
    patient_id: str | None


class Redaction(Model):
    """Redaction of the API."""

    text: str
    found: list[Model]
    model: str


class DeidentificationOrder(Model):
    """DeidentificationOrder of the API."""

    study_instance_uid: str
    project: str
    options: Model


class DeidentificationSummary(Model):
    """DeidentificationSummary of the API."""

    deidentification_id: str
    study_instance_uid: str
    project: str
    options: Model
    status: Literal["running", "done", "failed", "cancelled"]
    error: str | None
    created_at: str
    finished_at: str | None
    progress: Model
    summary: Model


class Deidentification(Model):
    """Deidentification of the API."""

    deidentification_id: str
    study_instance_uid: str
    project: str
    options: Model
    status: Literal["running", "done", "failed", "cancelled"]
    error: str | None
    created_at: str
    finished_at: str | None
    progress: Model
    summary: Model
    copy_study_instance_uid: str | None
    objects: list[Model]


class KnowledgeCollectionGiven(Model):
    """KnowledgeCollectionGiven of the API."""

    description: str
    language: str
    embedding_model: str | None


class KnowledgeCollection(Model):
    """KnowledgeCollection of the API."""

    collection: str
    description: str
    language: str
    embedding_model: str | None
    documents: int
    passages: int
    embedded: int
    updated_at: str


class KnowledgeCollectionName(Model):
    """KnowledgeCollectionName of the API."""

    collection: str


class KnowledgeDocument(Model):
    """KnowledgeDocument of the API."""

    collection: str
    document_id: str
    version: int
    title: str
    content_type: str
    sha256: str
    characters: int
    passages: int
    embedded: int
    updated_at: str


class KnowledgeDocumentWhole(Model):
    """KnowledgeDocumentWhole of the API."""

    collection: str
    document_id: str
    version: int
    title: str
    content_type: str
    sha256: str
    characters: int
    passages: int
    embedded: int
    updated_at: str
    text: str


class KnowledgeDocumentName(Model):
    """KnowledgeDocumentName of the API."""

    collection: str
    document_id: str


class KnowledgePassage(Model):
    """KnowledgePassage of the API."""

    id: str
    collection: str
    document_id: str
    version: int
    passage: int
    title: str
    heading: str
    page: int | None
    starts: int
    ends: int
    sha256: str
    text: str
    score: float


class KnowledgeFound(Model):
    """KnowledgeFound of the API."""

    passages: list[KnowledgePassage]
    ranking: Literal["text", "text+vectors"]
    notes: list[str]


class KnowledgeReindexed(Model):
    """KnowledgeReindexed of the API."""

    collection: str
    made: int
    pending: int
    why: str | None


class TrainedModelGiven(Model):
    """TrainedModelGiven of the API."""

    kind: Literal["classifier", "prediction"]
    label: str
    title: str | None
    description: str
    intended: str
    limits: str
    positive: str | None
    threshold: float
    algorithm: Literal["logistic", "boosting"]
    held_out: float
    subject: str
    history: str
    at: str
    patient: str
    related: Model
    outcome: Model
    features: Model


class TrainedModel(Model):
    """TrainedModel of the API."""

    name: str
    reference: str
    definition: Model
    shipped: bool
    running: int | None
    newest: int | None
    created_at: str | None
    updated_at: str | None


class TrainedModelVersions(Model):
    """TrainedModelVersions of the API."""

    name: str
    reference: str
    definition: Model
    shipped: bool
    running: int | None
    newest: int | None
    created_at: str | None
    updated_at: str | None
    versions: list[Model]


class TrainedVersion(Model):
    """TrainedVersion of the API."""

    version: int
    status: Literal["training", "candidate", "running", "retired", "failed", "withdrawn"]
    error: str | None
    progress: Model
    source: Model
    digest: str | None
    card: Model | None
    comparison: Model | None
    by: str | None
    created_at: str
    finished_at: str | None
    promoted_at: str | None
    card_text: str | None
    erased_patients: int


class TrainingGiven(Model):
    """TrainingGiven of the API."""

    gold_set: str | None
    seed: int


class Anomalies(Model):
    """Anomalies of the API."""

    from_: str
    to: str
    anomalies: list[Model]


class TrainedPromotion(Model):
    """TrainedPromotion of the API."""

    model: str
    version: int
    before: int | None


class Work(Model):
    """Work of the API."""

    id: str
    token: str
    run_id: str
    path: str
    iteration: str
    delivery: int
    lease_until: str
    input: Model


class WorkOpen(Model):
    """WorkOpen of the API."""

    id: str
    queue: str
    run_id: str
    path: str
    iteration: str
    state: Literal["ready", "claimed"]
    holder: str | None
    deliveries: int
    progress: Model | None
    created_at: str
    started_at: str | None
    lease_until: str | None


class WorkAsked(Model):
    """WorkAsked of the API."""

    max: int
    wait: float


class WorkBeat(Model):
    """WorkBeat of the API."""

    token: str
    progress: Model


class WorkDone(Model):
    """WorkDone of the API."""

    token: str
    result: Any


class WorkFailed(Model):
    """WorkFailed of the API."""

    token: str
    code: str
    message: str
    retryable: bool
    details: Any


class WorkWanted(Model):
    """WorkWanted of the API."""

    id: str
    wanted: bool


class WorkSettled(Model):
    """WorkSettled of the API."""

    id: str
    state: Literal["succeeded", "failed", "lost"]


class Kept(Model):
    """Kept of the API."""

    name: str
    version: int
    hash: str
    updated_at: str


class PipelinePut(Model):
    """PipelinePut of the API."""

    name: str
    version: int
    hash: str
    created: bool
    used_by: list[str]


class PipelineGiven(Model):
    """A pipeline: docs/howto/pipelines.md."""


class Pipeline(Model):
    """Pipeline of the API."""

    name: str
    version: int
    hash: str
    updated_at: str
    pipeline: PipelineGiven
    runs: list[Model]
    streams: list[Model]
    rejected: int
    used_by: list[str]


class PipelineReject(Model):
    """PipelineReject of the API."""

    id: str
    stream: str
    line: int
    code: str
    message: str
    run_id: str
    at: str
    content: Any


class RejectsGiven(Model):
    """RejectsGiven of the API."""

    rows: list[RejectGiven]


class RejectGiven(Model):
    """RejectGiven of the API."""

    id: str
    content: Model


class Resubmitted(Model):
    """Resubmitted of the API."""

    resubmitted: int


class DecisionTableGiven(Model):
    """A table, or a JSON Decision Model: docs/howto/decision-tables.md."""


class DecisionTablePut(Model):
    """DecisionTablePut of the API."""

    name: str
    version: int
    hash: str
    created: bool
    findings: list[Model]
    used_by: list[str]


class DecisionTable(Model):
    """DecisionTable of the API."""

    name: str
    version: int
    hash: str
    updated_at: str
    table: DecisionTableGiven
    used_by: list[str]


class DecisionExplained(Model):
    """DecisionExplained of the API."""

    run: str
    path: str
    iteration: str
    type: str
    outcome: Literal["succeeded", "failed", "degraded", "skipped", "cancelled"]
    decided_at: str
    confidence: Model | None
    review: Literal[
        "none",
        "open",
        "approved",
        "edited",
        "rejected",
        "expired",
        "withdrawn",
        "cancelled",
        "failed",
    ]
    v: Literal[1]
    store: str
    workflow: Model
    started_by: str | None
    started_at: str | None
    source: str | None
    code: str | None
    carried_out_by: str
    answered_by: Model
    answer: Model
    journal_sha256: str | None
    inputs: Model
    sources: Model
    degraded: list[str]
    calls: list[Model]
    refusals: list[Model]
    rules: list[Model]
    branches: list[Model]
    reviews: list[Model]
    effects: list[Model]
    proof: Model


class DecisionListed(Model):
    """DecisionListed of the API."""

    run: str
    path: str
    iteration: str
    type: str
    outcome: Literal["succeeded", "failed", "degraded", "skipped", "cancelled"]
    decided_at: str
    confidence: Model | None
    review: Literal[
        "none",
        "open",
        "approved",
        "edited",
        "rejected",
        "expired",
        "withdrawn",
        "cancelled",
        "failed",
    ]
    worker: str | None
    model: str | None


class Policy(Model):
    """Policy of the API."""

    version: int
    hash: str
    by: str | None
    at: str
    source: str
    description: str | None
    rules: list[Model]


class PolicyKept(Model):
    """PolicyKept of the API."""

    version: int
    hash: str
    by: str | None
    at: str
    source: str
    description: str | None
    rules: list[Model]
    created: bool
    affected: list[Model]


class PolicyVersion(Model):
    """PolicyVersion of the API."""

    version: int
    hash: str
    by: str | None
    at: str


class RunFigures(Model):
    """RunFigures of the API."""

    as_of: str
    from_: str
    to: str
    bucket: Literal["minute", "hour", "day"]
    now: Model
    period: Model
    buckets: list[Model]
    workflows: list[Model]
    steps: Model
    people: Model


class PreviewOrder(Model):
    """PreviewOrder of the API."""

    action: Literal["retry", "replay", "rollback", "cancel"]
    from_: str
    version: int | Literal["latest"]
    input: Model


class PreviewsOrder(Model):
    """PreviewsOrder of the API."""

    action: Literal["retry", "rollback", "cancel"]
    from_: str
    version: int | Literal["latest"]
    run_ids: list[str]
    filter: Model


class RunPreview(Model):
    """RunPreview of the API."""

    run_id: str
    action: str
    effects: list[Model]
    warnings: list[str]


class Kpis(Model):
    """Kpis of the API."""

    as_of: str
    workflow_id: str
    version: int
    from_: str
    to: str
    runs: int
    complete: bool
    unread: int
    kpis: list[Kpi]


class Kpi(Model):
    """Kpi of the API."""

    id: str
    name: str
    description: str | None
    kind: Literal["duration", "share", "values", "sum"]
    measures: Model
    target: Model | None
    met: bool | None
    hidden: bool
    p50_ms: float | None
    p95_ms: float | None
    of: int
    mean_ms: float | None
    within: float | None
    count: int
    share: float | None
    counts: Model
    other: int
    sum: float | None
    unit: str | None


class RunPreviews(Model):
    """RunPreviews of the API."""

    action: str
    summary: Model
    effects: list[Model]
    warnings: list[str]
    runs: list[Model]


class DraftSummary(Model):
    """DraftSummary of the API."""

    id: str
    name: str
    workflow_id: str | None
    revision: int
    based_on: Model | None
    created_at: str
    created_by: str | None
    updated_at: str
    updated_by: str | None


class Draft(Model):
    """Draft of the API."""

    data: Model
    answers: Model
    comment: str | None


class DraftBegun(Model):
    """One of source, template and workflow."""

    source: str
    pinned: Model
    positions: Model
    name: str
    template: str
    workflow: str


class DraftSaved(Model):
    """What is left out stays as it is; `revision` stands for If-Match."""

    source: str
    pinned: Model
    positions: Model
    name: str
    pinned_hidden: bool
    revision: int


class DraftId(Model):
    """DraftId of the API."""

    id: str


class DraftRevision(Model):
    """DraftRevision of the API."""

    revision: int
    base: int | None
    name: str | None
    current: bool
    aside: bool
    restored_from: int | None
    published_as: int | None
    by: str | None
    at: str


class DraftRevisionName(Model):
    """DraftRevisionName of the API."""

    name: str | None


class DraftRestored(Model):
    """DraftRestored of the API."""

    revision: int


class DraftPublish(Model):
    """DraftPublish of the API."""

    dry_run: bool
    over: int
    revision: int


class DraftPublished(Model):
    """DraftPublished of the API."""

    draft_id: str
    revision: int
    workflow_id: str
    replaces: int | None
    diff: Model | None
    published: bool
    valid: bool
    report: Model
    version: int
    created: bool


class DraftTest(Model):
    """At most one of input, sample and run; without any the pinned trigger."""

    input: Model
    sample: str
    run: str
    effects: Literal["store", "all", "off"]
    revision: int


class DraftTested(Model):
    """DraftTested of the API."""

    run_id: str
    status: str
    message: str
    created_at: str
    workflow_id: str
    test: Model
    unused_pins: list[str]


class StepTry(Model):
    """StepTry of the API."""

    definition: str | Model
    step: str
    pinned: Model
    item: Any


class StepTried(Model):
    """StepTried of the API."""

    step: str
    path: str
    type: str
    state: Literal["succeeded", "would", "skipped", "failed", "degraded"]
    input: Model | None
    output: Model | None
    would: list[Model]
    error: Model | None
    notes: list[Model]
    messages: list[Model]
    branch: str | None
    degraded: bool
    needs: list[str]
    findings: list[Finding]
    duration_ms: float


class WordsGiven(Model):
    """WordsGiven of the API."""

    text: str
    definition: str | Model


class Proposal(Model):
    """Proposal of the API."""

    definition: str | None
    by: Literal["model", "templates"]
    template: str | None
    note: str | None
    missing: list[Model]
    diff: list[Model]
    words: list[str]
    findings: list[Finding]
    valid: bool


class OutlineAsked(Model):
    """OutlineAsked of the API."""

    definition: str | Model
    step: str


class OutlineName(Model):
    """OutlineName of the API."""

    path: str
    type: str
    description: str
    may_not_have_run: bool
    fhir_type: str


class Outline(Model):
    """Outline of the API."""

    trigger: list[OutlineName]
    run: list[OutlineName]
    session: list[OutlineName]
    outputs: Model
    steps: list[Model]
    output: Model
    fhir_types: Model


class OutlineOfStep(Model):
    """OutlineOfStep of the API."""

    step: str
    names: list[OutlineName]
    fhir_types: Model


class Template(Model):
    """Template of the API."""

    name: str
    title: str
    description: str
    triggers: list[Model]
    steps: list[Model]
    needs: list[Model]
    samples: list[str]


class TemplateDetail(Model):
    """TemplateDetail of the API."""

    name: str
    title: str
    description: str
    triggers: list[Model]
    steps: list[Model]
    needs: list[Model]
    samples: list[str]
    yaml: str
    sample_input: Model | None


class Sample(Model):
    """Sample of the API."""

    name: str
    description: str
    trigger: str
    event: str
    input: Model | None


class GoldSetGiven(Model):
    """GoldSetGiven of the API."""

    description: str | None
    label: str | None
    positive: str | None
    threshold: float
    costs: Model | None
    calibration_error_at_most: float
    cases: list[Model]


class GoldSet(Model):
    """GoldSet of the API."""

    name: str
    description: str | None
    label: str | None
    positive: str | None
    threshold: float
    costs: Model | None
    calibration_error_at_most: float
    revision: int
    cases: int
    tags: Model
    gates: list[Model]
    created_at: str
    updated_at: str


class GoldSetDeleted(Model):
    """GoldSetDeleted of the API."""

    name: str


class GoldCase(Model):
    """GoldCase of the API."""

    id: str
    tags: list[str]
    erased: bool
    input: Model
    expected: Model
    patient_id: str | None
    source: str | None
    before: Model | None


class GoldCasesGiven(Model):
    """GoldCasesGiven of the API."""

    cases: list[Model]
    from_tasks: Model


class GoldCasesAdded(Model):
    """GoldCasesAdded of the API."""

    added: int
    changed: int
    revision: int
    left_out: Model


class GoldCaseDeleted(Model):
    """GoldCaseDeleted of the API."""

    id: str


class EvaluationGates(Model):
    """EvaluationGates of the API."""

    gates: list[Model]


class EvaluationGiven(Model):
    """EvaluationGiven of the API."""

    gold_set: str
    workflow: str
    step: str
    worker: str
    model: str
    version: int
    definition: Any
    budget: Model
    at_once: int
    threshold: float


class EvaluationMetrics(Model):
    """EvaluationMetrics of the API."""

    cases: int
    accuracy: Model | None
    answered: Model | None
    macro_f1: Model | None
    sensitivity: Model | None
    specificity: Model | None
    auc: Model | None
    ece: Model | None
    brier: Model | None
    below_threshold: Model | None
    threshold: float
    latency: Model | None
    cost: Model
    fields: Model
    miscalibrated: bool


class EvaluationRun(Model):
    """EvaluationRun of the API."""

    id: str
    gold_set: str
    revision: int
    subject: str
    content: str
    facts: Model
    options: Model
    status: Literal["running", "done", "stopped", "failed", "cancelled"]
    error: str | None
    progress: Model
    metrics: EvaluationMetrics | None
    by: str | None
    created_at: str
    finished_at: str | None
    again: bool
    fields: Model
    confusion: list[Model]
    reliability: list[Model]
    failing: list[Model]


class EvaluationCase(Model):
    """EvaluationCase of the API."""

    id: str
    verdict: Literal["right", "wrong", "unanswered"]
    confidence: float | None
    milliseconds: float
    cost: float
    tokens: int
    expected: Model
    given: Model
    fields: Model
    probability: float | None
    error: str | None
    tags: list[str]
    erased: bool


class EvaluationThreshold(Model):
    """EvaluationThreshold of the API."""

    threshold: float
    cost: float
    reviewed: float
    cost_of_reviewing_all: float
    cost_of_reviewing_nothing: float
    cost_on_other_cases: float | None
    curve: list[Model]


class EvaluationComparison(Model):
    """EvaluationComparison of the API."""

    before: str
    after: str
    same_cases: bool
    cases: int
    only_before: int
    only_after: int
    gained: list[str]
    lost: list[str]
    accuracy: Model | None
    auc: Model | None
    brier: Model | None
    p: float


class DriftSettingsGiven(Model):
    """DriftSettingsGiven of the API."""

    reference: int
    window: int
    false_alarms: float
    demote: bool
    notify: list[str]


class DriftSettings(Model):
    """DriftSettings of the API."""

    reference: int
    window: int
    false_alarms: float
    demote: bool
    notify: list[str]


class DriftStream(Model):
    """DriftStream of the API."""

    kind: Literal["answers", "overrides"]
    workflow_id: str
    path: str
    model: str
    version: str | None
    worker: str | None
    seen: int
    reference: Model
    filling: Model
    windows: list[Model]
    updated_at: str


class Demotion(Model):
    """Demotion of the API."""

    id: str
    workflow_id: str
    path: str | None
    model: str
    version: str | None
    worker: str | None
    reason: Model
    by: str
    at: str
    lifted_at: str | None
    lifted_by: str | None
    lifted_why: str | None


class DemotionGiven(Model):
    """DemotionGiven of the API."""

    workflow_id: str
    model: str
    reason: str
    path: str
    version: str


class DemotionLifted(Model):
    """DemotionLifted of the API."""

    reason: str


class Drift(Model):
    """Drift of the API."""

    settings: DriftSettings
    streams: list[DriftStream]
    demotions: list[Demotion]


class Task(Model):
    """Task of the API."""

    id: str
    kind: Literal["task", "form", "approval"]
    status: Literal["requested", "accepted", "completed", "rejected", "cancelled"]
    version: int
    priority: Literal["routine", "urgent", "asap", "stat"]
    queue: str
    assignee: str | None
    candidates: list[str] | None
    decided_by: list[str]
    quorum: int
    four_eyes: bool
    due: str | None
    sla: Sla | None
    patient_id: str | None
    workflow_id: str | None
    run_id: str | None
    path: str | None
    created_at: str
    closed_at: str | None
    cursor: str
    title: str
    show: Model
    description: str | None
    form: Model | None
    prefill: Model
    suggestion: Model | None
    snoozed_until: str | None
    ai: bool


class TaskDetail(Model):
    """TaskDetail of the API."""

    id: str
    kind: Literal["task", "form", "approval"]
    status: Literal["requested", "accepted", "completed", "rejected", "cancelled"]
    version: int
    priority: Literal["routine", "urgent", "asap", "stat"]
    queue: str
    assignee: str | None
    candidates: list[str] | None
    decided_by: list[str]
    quorum: int
    four_eyes: bool
    due: str | None
    sla: Sla | None
    patient_id: str | None
    workflow_id: str | None
    run_id: str | None
    path: str | None
    created_at: str
    closed_at: str | None
    cursor: str
    title: str
    show: Model
    comments: list[Model]
    votes: list[Model]
    draft: Model | None
    decision: Model | None
    description: str | None
    form: Model | None
    prefill: Model
    suggestion: Model | None
    snoozed_until: str | None
    ai: bool
    language: str | None
    languages: list[str]
    value_sets: Model
    calculates: bool


class Sla(Model):
    """Sla of the API."""

    state: Literal["ok", "warning", "breached"]
    warn_at: str | None
    minutes_left: float


class QueueCounts(Model):
    """QueueCounts of the API."""

    queue: str
    open: int
    unassigned: int
    mine: int
    warned: int
    overdue: int
    urgent: int


class TaskEvent(Model):
    """TaskEvent of the API."""

    at: str
    action: str
    by: str | None
    kind: str | None
    detail: Model


class TaskChanged(Model):
    """TaskChanged of the API."""

    task: str
    state: Literal["requested", "accepted", "completed", "rejected", "cancelled"]
    version: int
    saved_at: str


class SnoozeGiven(Model):
    """SnoozeGiven of the API."""

    until: str | None


class Snoozed(Model):
    """Snoozed of the API."""

    task: str
    snoozed_until: str | None


class NextGiven(Model):
    """NextGiven of the API."""

    queue: str
    kind: str
    workflow: str


class TaskTarget(Model):
    """TaskTarget of the API."""

    to: Model
    comment: str | None


class Comment(Model):
    """Comment of the API."""

    text: str


class Decision(Model):
    """Decision of the API."""

    decision: Literal["approve", "reject", "complete"]
    comment: str | None
    data: Model | None
    answers: Model | None


class Decided(Model):
    """Decided of the API."""

    task: str
    state: Literal["requested", "accepted", "completed", "rejected", "cancelled"]
    version: int
    run_id: str | None
    run: str | None


class FormLinkGiven(Model):
    """FormLinkGiven of the API."""

    filler: str
    days: int


class FormLink(Model):
    """FormLink of the API."""

    token: str
    url: str
    expires_at: str


class Form(Model):
    """Form of the API."""

    title: str
    description: str | None
    form: Model
    prefill: Model
    language: str | None
    languages: list[str]
    value_sets: Model
    calculates: bool
    draft: Model | None
    saved_at: str | None
    due: str | None
    expires_at: str


class TaskForm(Model):
    """TaskForm of the API."""

    form: Model
    prefill: Model
    language: str | None
    languages: list[str]
    value_sets: Model
    calculates: bool


class FormOptions(Model):
    """FormOptions of the API."""

    options: list[Model]
    more: bool


class FormDraft(Model):
    """FormDraft of the API."""

    data: Model
    answers: Model


class FormSaved(Model):
    """FormSaved of the API."""

    saved_at: str


class AnswersSoFar(Model):
    """AnswersSoFar of the API."""

    data: Model
    answers: Model
    edited: list[str]


class Calculated(Model):
    """Calculated of the API."""

    enabled: Model
    issues: list[Model]
    data: Model
    answers: Model


class Attachment(Model):
    """Attachment of the API."""

    content_type: str
    url: str
    size: int
    hash: str
    title: str


class FormAnswers(Model):
    """Plain values by linkId, or a QuestionnaireResponse."""

    data: Model
    answers: Model


class FormFilled(Model):
    """FormFilled of the API."""

    status: Literal["completed"]


class Queue(Model):
    """Queue of the API."""

    queue: str
    name: str
    candidates: list[str] | None


class QueueGiven(Model):
    """QueueGiven of the API."""

    name: str
    candidates: Any


class Group(Model):
    """Group of the API."""

    group: str
    name: str
    members: list[str]


class GroupGiven(Model):
    """GroupGiven of the API."""

    name: str
    members: list[str]


class Calendar(Model):
    """Calendar of the API."""

    timezone: str
    hours: Model
    holidays: Model | None
    closed: list[str]
    open: Model


class CalendarName(Model):
    """CalendarName of the API."""

    name: str
    updated_at: str


class Me(Model):
    """Me of the API."""

    principal: str
    name: str
    kind: Literal["user", "service", "worker"]
    tenant: str
    store: str
    environment: Literal["development", "production"]
    roles: list[str]
    permissions: list[str]
    grants: list[str]
    csrf: str
    session: Model


class Key(Model):
    """Key of the API."""

    id: str
    prefix: str
    status: Literal["valid", "expired", "disabled", "revoked"]
    principal: str
    name: str
    roles: list[str]
    grants: list[str]
    limit: list[str] | None
    store: str
    created_at: str
    last_used_at: str | None
    expires_at: str | None


class KeyGiven(Model):
    """KeyGiven of the API."""

    principal: str
    name: str
    kind: Literal["user", "service", "worker"]
    roles: list[str] | None
    grants: list[str] | None
    limit: list[str] | None
    store: str
    expires_at: str | None


class KeyMade(Model):
    """KeyMade of the API."""

    id: str
    prefix: str
    principal: str
    key: str


class KeyRevoked(Model):
    """KeyRevoked of the API."""

    id: str
    status: Literal["revoked"]
    changed: bool


class Principal(Model):
    """Principal of the API."""

    id: str
    name: str
    kind: str
    roles: list[str]
    grants: list[str]
    disabled: bool
    created_at: str


class PrincipalChange(Model):
    """PrincipalChange of the API."""

    roles: list[str] | None
    grants: list[str] | None
    disabled: bool | None


class Role(Model):
    """Role of the API."""

    id: str
    grants: list[str]
    own: bool


class RoleGiven(Model):
    """RoleGiven of the API."""

    grants: list[str]


class SignIn(Model):
    """SignIn of the API."""

    key: str


class SignedIn(Model):
    """SignedIn of the API."""

    me: Me
    csrf: str


class BrowserSession(Model):
    """BrowserSession of the API."""

    id: str
    browser: str
    created_at: str
    last_seen_at: str
    expires_at: str
    current: bool


class BrowserSessionEnded(Model):
    """BrowserSessionEnded of the API."""

    id: str
    status: Literal["ended"]


class BrowserSessionsEnded(Model):
    """BrowserSessionsEnded of the API."""

    ended: int


class FhirStoreGiven(Model):
    """FhirStoreGiven of the API."""

    name: str
    description: str | None
    settings: Model
    region: Literal["global"]
    fhir_version: Literal["R4"]
    type: Literal["serverless", "dedicated"]


class FhirStoreChange(Model):
    """FhirStoreChange of the API."""

    name: str
    description: str | None
    settings: Model


class FhirStore(Model):
    """FhirStore of the API."""

    id: str
    name: str
    description: str | None
    region: str
    fhir_version: str
    status: Literal["creating", "running", "deleting"]
    infrastructure: Literal["serverless", "dedicated"]
    endpoint: str
    api_key: str | None
    team_id: str
    created_at: str
    updated_at: str


class FhirStoreDeleted(Model):
    """FhirStoreDeleted of the API."""

    id: str
    status: Literal["deleted"]


class Error(Model):
    """Error of the API."""

    success: Literal[False]
    message: str
    data: None
    error: Model


class Health(Model):
    """Health of the API."""

    status: Literal["live", "ready", "not ready"]
    cause: str


class Receipt(Model):
    """Receipt of the API."""

    code: str
    path: str
    message: str
    line: int | None
    column: int
    step: str
    pointer: str
    edit: Model


class Finding(Model):
    """Finding of the API."""

    code: str
    path: str
    message: str
    severity: Literal["error", "warning", "info"]
    fix: str
    line: int | None
    column: int
    step: str
    pointer: str
    edit: Model


class YamlText(Model):
    """YamlText of the API."""

    yaml: str


class Definition(Model):
    """A definition: docs/reference/definitions.md."""


class Checked(Model):
    """Checked of the API."""

    id: str
    name: str
    hash: str
    receipts: list[Receipt]
    findings: list[Finding]
    trigger_graph: Model
    valid: bool


class Deployed(Model):
    """Deployed of the API."""

    id: str
    name: str
    hash: str
    receipts: list[Receipt]
    findings: list[Finding]
    trigger_graph: Model
    version: int
    created: bool


class Workflow(Model):
    """Workflow of the API."""

    id: str
    name: str
    version: int
    hash: str
    active: bool
    updated_at: str
    owner: str | None
    triggers: list[Model]
    steps: list[Model]


class WorkflowDetail(Model):
    """WorkflowDetail of the API."""

    id: str
    name: str
    version: int
    hash: str
    active: bool
    updated_at: str
    owner: str | None
    triggers: list[Model]
    steps: list[Model]
    definition: Model
    source: str
    receipts: list[Receipt]


class JsonSchema(Model):
    """JsonSchema of the API."""


class TriggerGraph(Model):
    """TriggerGraph of the API."""

    cascades: list[Model]
    cycles: list[list[str]]
    orphans: list[str]


class ComponentName(Model):
    """ComponentName of the API."""

    kind: str
    name: str


class Component(Model):
    """Component of the API."""

    kind: str
    name: str
    version: int
    body: Model


class ComponentDetail(Model):
    """ComponentDetail of the API."""

    kind: str
    name: str
    version: int
    body: Model
    affected: list[ComponentUser]


class ComponentKept(Model):
    """ComponentKept of the API."""

    kind: str
    name: str
    version: int
    created: bool
    affected: list[ComponentUser]
    redeployed: list[Model]


class ComponentUser(Model):
    """ComponentUser of the API."""

    workflow: str
    version: int
    uses: int
    paths: list[str]


class StepType(Model):
    """StepType of the API."""

    type: str
    title: str
    input: Model
    output: Model


class EventGiven(Model):
    """EventGiven of the API."""

    key: str | float | None
    data: Any
    id: str | None


class EventSent(Model):
    """EventSent of the API."""

    id: str
    name: str
    status: Literal["taken", "kept"]
    run_id: str | None
    repeated: bool


class RunStarted(Model):
    """RunStarted of the API."""

    run_id: str
    status: Literal["running", "waiting", "succeeded", "failed", "cancelled", "rolled_back"]
    message: str
    created_at: str
    workflow_id: str
    version: int


class RunSummary(Model):
    """RunSummary of the API."""

    run_id: str
    workflow_id: str
    version: int
    status: Literal["running", "waiting", "succeeded", "failed", "cancelled", "rolled_back"]
    source: str
    test: bool
    created_at: str
    finished_at: str | None
    duration_ms: float | None
    steps_done: int
    failed_step: str | None
    failed_code: str | None
    held: Literal["queued", "paused"] | None
    retried_as: str | None
    parent: str | None
    segments: list[Model]


class Run(Model):
    """Run of the API."""

    run_id: str
    workflow_id: str
    workflow_name: str
    version: int
    definition_hash: str
    status: Literal["running", "waiting", "succeeded", "failed", "cancelled", "rolled_back"]
    source: str
    test: Model | None
    started_by: str | None
    trigger: Model
    session_id: str
    created_at: str
    finished_at: str | None
    duration_ms: float | None
    steps: list[Step]
    step_count: int
    next_step: int | None
    attempts: list[Attempt]
    output: Any
    error: Model | None
    held: Literal["queued", "paused"] | None
    queued_behind: Model | None
    asked: list[Literal["cancel", "rollback"]]
    parent: str | None
    parent_path: str | None
    children: list[Model]
    retry_of: str | None
    retried_as: str | None
    discarded: Model | None
    failed_step: str | None
    failed_code: str | None
    crashes: int
    cause: Model | None


class Step(Model):
    """Step of the API."""

    id: str
    path: str
    status: Literal["succeeded", "failed", "skipped", "waiting", "cancelled"]
    started_at: str | None
    input: Any
    notes: list[Model]
    place: int
    attempt: int
    finished_at: str | None
    duration_ms: float | None
    output: Any
    branch: Any
    effect: Any
    error: Model | None
    until: str | None
    event: str | None


class Attempt(Model):
    """Attempt of the API."""

    path: str
    attempt: int
    started_at: str
    finished_at: str
    retry_at: str | None
    error: Model


class Session(Model):
    """Session of the API."""

    id: str
    run_id: str | None
    patient_id: str | None
    created_at: str
    messages: list[Model]


class AuditExport(Model):
    """Rows, checkpoints and the chain's proof."""


class Message(Model):
    """Message of the API."""

    id: str
    run_id: str | None
    path: str | None
    channel: str
    connection: str | None
    status: Literal["captured", "pending", "sent", "failed"]
    receipt: Model
    warnings: list[Any]
    created_at: str
    to: list[str]
    subject: str | None
    text: str | None
    payload: Model | None


class Incident(Model):
    """Incident of the API."""

    id: str
    kind: str
    cause: str
    status: Literal["open", "closed"]
    count: int
    ref: Model
    first_at: str
    last_at: str


class IncidentClosed(Model):
    """IncidentClosed of the API."""

    id: str
    status: Literal["closed"]
    changed: bool


class FileForm(Model):
    """FileForm of the API."""

    file: str


class StoredFile(Model):
    """StoredFile of the API."""


class StoredImage(Model):
    """StoredImage of the API."""

    uri: str
    instance: str
    patient_id: str | None
    created: bool


class StoredDocument(Model):
    """StoredDocument of the API."""

    uri: str
    sha256: str
    size: int
    content_type: str
    created: bool


class Connection(Model):
    """Connection of the API."""

    id: str
    kind: Literal["slack", "email", "webhook", "http", "fhir", "sql"]
    settings: Model
    health: Model | None


class ConnectionTest(Model):
    """ConnectionTest of the API."""

    id: str
    ok: bool
    milliseconds: float
    message: str
    code: str | None
    details: Model


class ConnectionGiven(Model):
    """ConnectionGiven of the API."""

    kind: Literal["slack", "email", "webhook", "http", "fhir", "sql"]
    settings: Model
    secret: Model


class ReferralText(Model):
    """ReferralText of the API."""

    extracted_text: str


class Triage(Model):
    """Triage of the API."""

    urgency: str
    confidence: float
    notified: bool
    notification: Literal["captured", "pending", "sent", "failed"]
    referral_id: str
    specialty: str | None
    needs_review: bool
    review_reasons: list[Any]
    notification_error: Model


class Referral(Model):
    """Referral of the API."""

    referral_id: str
    patient_id: str | None
    referral_text: str
    urgency: str
    confidence: float
    created_at: str


class Schedule(Model):
    """Schedule of the API."""

    workflow_id: str
    trigger: int
    version: int
    cron: str
    timezone: str
    overlap: Literal["forbid", "allow", "queue"]
    catch_up: Literal["none", "last", "all"]
    catch_up_within: int
    jitter: int
    paused: bool
    next: list[str]
    last: Model | None
    started: int
    missed: int
    queued: int


class Webhooks(Model):
    """Webhooks of the API."""

    endpoint: str
    hooks: list[Model]
    secrets: list[Model]


class WebhookSecretGiven(Model):
    """WebhookSecretGiven of the API."""

    secret: str
    keep_previous_for: int


class WebhookSecret(Model):
    """WebhookSecret of the API."""

    name: str
    number: int
    secret: str


class Delivery(Model):
    """Delivery of the API."""

    delivery_id: str
    status: Literal["accepted"]
    received_at: str
