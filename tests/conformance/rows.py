"""What R4 asks of a server, item by item, and the tests that show it here.

A row without tests is not served, and its note says so; the CapabilityStatement does not list it.
"""

from __future__ import annotations

from dataclasses import dataclass

HERE = "conformance"
HTTP = "integration/fhir"
UNIT = "unit/fhir"


@dataclass(frozen=True)
class Row:
    """One item: its group, its name, the tests (file::function below tests/) and what to know."""

    group: str
    item: str
    tests: tuple[str, ...]
    note: str = ""

    @property
    def served(self) -> bool:
        return bool(self.tests)


def _rows(group: str, *items: tuple[str, str] | tuple[str, str, str]) -> list[Row]:
    made = []
    for item, tests, *note in items:
        names = tuple(_whole(name) for name in tests.split())
        made.append(Row(group, item, names, "".join(note)))
    return made


_FILES = {
    "writes": f"{HERE}/test_writes.py",
    "types": f"{HERE}/test_search_types.py",
    "results": f"{HERE}/test_results.py",
    "prefixes": f"{HERE}/test_prefixes.py",
    "entries": f"{HERE}/test_bundles.py",
    "errors": f"{HERE}/test_errors.py",
    "interactions": f"{HTTP}/test_interactions.py",
    "headers": f"{HTTP}/test_headers.py",
    "conditional": f"{HTTP}/test_conditional.py",
    "capabilities": f"{HTTP}/test_capabilities.py",
    "bundles": f"{HTTP}/test_bundles.py",
    "bundle_entries": f"{HTTP}/test_bundle_entries.py",
    "search": f"{HTTP}/test_search.py",
    "scopes": f"{HTTP}/test_search_scopes.py",
    "contained": f"{HTTP}/test_contained.py",
    "async": f"{HTTP}/test_async.py",
    "forms": f"{HTTP}/test_forms.py",
    "apply": f"{HTTP}/test_apply.py",
    "bad": f"{HTTP}/test_bad_input.py",
    "matrix": "integration/access/test_matrix.py",
    "leaks": "integration/access/test_leak_routes.py",
    "values": f"{UNIT}/test_values.py",
    "patch": f"{HTTP}/test_patch.py",
    "operations": f"{HTTP}/test_operations.py",
    "terminology": f"{HTTP}/test_terminology.py",
    "validate": f"{HTTP}/test_validate_operation.py",
    "profiles": f"{HTTP}/test_profiles.py",
    "slicing": f"{HTTP}/test_slicing.py",
    "integrity": f"{HTTP}/test_integrity_setting.py",
    "audited": f"{HTTP}/test_audited.py",
    "public": f"{HTTP}/test_public_data.py",
    "patching": f"{UNIT}/test_patching.py",
    "invariants": f"{UNIT}/test_invariants.py",
    "definitions": f"{UNIT}/test_definitions.py",
    "validation": f"{UNIT}/test_validation.py",
    "public_validation": f"{UNIT}/test_public_validation.py",
    "official": "unit/fhirpath/test_official_cases.py",
    "python_clients": "clients/test_python_clients.py",
    "node_clients": "clients/test_node_clients.py",
}


def _whole(name: str) -> str:
    file, function = name.split(":")
    return f"{_FILES[file]}::test_{function}"


ROWS: list[Row] = [
    *_rows(
        "Interactions",
        ("read", "writes:read_and_vread"),
        ("vread", "writes:read_and_vread writes:delete_and_what_comes_after"),
        ("create", "writes:create"),
        ("update", "writes:update_needs_the_same_id"),
        ("update as create", "interactions:update_as_create_and_id_rules"),
        ("patch", "patch:a_json_patch_makes_the_next_version patch:a_fhirpath_patch"),
        ("delete; 410 afterwards", "writes:delete_and_what_comes_after"),
        ("history of an instance, a type and the system", "writes:histories"),
        ("history: _since, _at, _count", "writes:histories headers:histories_of_the_store_by_time"),
        ("search by GET", "search:patient_parameters search:observation_parameters"),
        ("search by POST _search", "results:search_by_post_is_the_same"),
        ("search over several types", "results:search_over_several_types"),
        ("search in a compartment: Patient, Practitioner, RelatedPerson, Encounter, Device",
         "results:search_in_a_compartment scopes:every_compartment_of_r4"),
        ("capabilities", "writes:metadata_needs_no_key capabilities:modes_of_the_statement"),
        (
            "the CapabilityStatement is true",
            "capabilities:every_interaction_that_is_listed_is_served"
            " capabilities:every_search_parameter_that_is_listed_is_understood"
            " capabilities:every_include_that_is_listed_is_taken"
            " capabilities:every_operation_that_is_listed_is_found_and_no_other"
            " capabilities:what_may_refer_to_a_type_is_listed",
        ),
        ("batch", "bundles:batch_entries_stand_alone"),
        ("transaction", "bundles:urn_references_become_the_new_ids_in_any_order"),
        ("HEAD", "writes:head_is_get_without_a_body headers:head_answers_wherever_get_does"),
    ),
    *_rows(
        "Headers",
        ("weak ETag", "writes:create writes:read_and_vread"),
        ("If-Match: 412", "writes:if_match headers:if_match_star_updates_only_what_is_there"),
        ("If-None-Match: 304", "writes:if_none_match_and_if_modified_since"
         " headers:if_none_match_star_of_a_read_is_met_by_any_version"),
        ("If-None-Match: * on a write",
         "headers:if_none_match_star_creates_only_what_is_not_there"),
        ("If-Modified-Since: 304", "writes:if_none_match_and_if_modified_since"),
        ("If-None-Exist", "writes:conditional_writes"),
        ("Prefer: return=minimal, representation, OperationOutcome", "writes:prefer_return"),
        ("Prefer: handling=strict, lenient", "writes:prefer_handling"),
        (
            "Prefer: respond-async",
            "async:what_reads_is_answered_later_as_it_is_at_once async:a_fault_is_the_answer_s_own"
            " async:a_request_is_cancelled async:only_who_began_it_sees_it"
            " async:what_a_stopped_process_left_is_said_and_not_run_again"
            " async:an_answer_is_sealed_and_kept_for_a_while async:what_writes_is_refused",
            "for what writes nothing; a write is refused with a reason",
        ),
        ("Location", "writes:create"),
        ("Last-Modified", "writes:create writes:read_and_vread"),
        ("_format, Accept; 406", "writes:formats_of_answers", "JSON; XML and RDF are 406"),
        ("Content-Type; 415", "writes:formats_of_bodies"),
        ("_pretty", "writes:pretty headers:pretty_answers_are_indented_and_exact"),
        ("gzip both ways", "headers:long_answers_are_packed_for_who_accepts_it"
         " headers:packed_bodies_are_read_to_the_same_limit"),
        ("X-Request-Id", "headers:the_request_s_id_comes_back"),
    ),
    *_rows(
        "Conditional writes",
        ("create, update, patch and delete with 0, 1 and 2 matches", "writes:conditional_writes"),
        ("a conditional update and the id of its body",
         "writes:a_conditional_update_and_the_id_of_its_body"),
        ("criteria that say nothing are refused", "writes:criteria_that_say_nothing_are_refused"
         " conditional:wrong_criteria_are_refused_by_every_method"),
        ("64 clients race: one resource", "conditional:a_race_of_64_creates_one_resource"),
        ("races of all kinds of conditional writes",
         "conditional:a_race_of_all_kinds_of_conditional_writes_leaves_at_most_one"),
        ("several deleted together, where that is set",
         "conditional:many_are_deleted_together_where_that_is_set"),
    ),
    *_rows(
        "Search parameter types",
        ("number", "prefixes:numbers"),
        ("date", "types:date prefixes:times"),
        ("string", "types:string"),
        ("token", "types:token"),
        ("reference", "types:reference search:references_match_by_id_type_and_url"),
        ("composite", "types:composite"),
        ("quantity", "prefixes:quantities prefixes:another_unit_is_not_found"),
        ("uri", "types:uri"),
        ("special: Location near", "types:special"),
        ("all base parameters of all types",
         "definitions:every_base_search_parameter_compiles_and_finds_values"
         " capabilities:every_search_parameter_that_is_listed_is_understood"),
        ("a wrong value is refused", "types:a_wrong_value_or_modifier_is_refused"
         " prefixes:what_is_no_time_is_refused"),
    ),
    *_rows(
        "Modifiers",
        (":missing", "types:missing"),
        (":exact", "types:exact"),
        (":contains", "types:contains"),
        (":text", "types:text"),
        (":not", "types:not"),
        (":above, :below", "types:above_and_below"),
        (":in, :not-in", "types:in_and_not_in"),
        (":of-type", "types:of_type"),
        (":identifier", "types:identifier"),
        (":[type]", "types:typed"),
        (":iterate", "results:iterated_includes"),
    ),
    *_rows(
        "Prefixes",
        *((p, "prefixes:times prefixes:numbers prefixes:quantities")
          for p in ("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb")),
        ("ap", "prefixes:approximately"),
        ("ranges from implied precision", "prefixes:numbers"),
        ("partial dates, open periods", "prefixes:times"),
        ("time zones", "prefixes:times types:date"),
    ),
    *_rows(
        "Result parameters",
        ("_id, _lastUpdated, _tag, _profile, _security",
         "results:parameters_of_all_types results:last_updated_is_exact"),
        ("_sort", "results:sort results:sort_by_the_time_of_the_last_change"
         " results:sort_by_what_is_no_parameter_is_refused"),
        ("_count", "results:count_limits_matches_and_not_includes"
         " results:a_count_that_is_no_number_is_refused"),
        ("_include, _revinclude", "results:includes"),
        ("_include:iterate, _revinclude:iterate", "results:iterated_includes"),
        ("_summary=true, false", "results:summary_true_and_false"),
        ("_summary=text, data", "results:summary_text_and_data"),
        ("_summary=count", "results:summary_count"),
        ("_elements", "results:elements headers:a_read_shows_the_parts_that_are_asked_for"),
        ("_total", "results:total"),
        ("_contained=false, true, both; _containedType",
         "results:contained_resources_are_not_matches contained:those_that_contain_a_match"
         " contained:the_contained_matches_themselves contained:both_are_contained_ones_and_others"
         " contained:pages_hold_every_contained_match_once"
         " contained:what_is_not_served_with_it_is_refused",
         "without _sort, _include, counts, chains and questions to a terminology"),
        ("chains", "results:chains"),
        ("_has, nested", "results:has"),
        ("_filter, _text, _content, _query", "",
         "answered as unknown parameters, and tested so in tests/conformance/test_results.py"),
        ("self link", "results:the_self_link_holds_what_was_done"),
    ),
    *_rows(
        "Paging",
        ("every match once", "results:pages_hold_every_match_once"),
        ("stable while others write", "results:pages_are_stable_while_others_write"
         " search:pages_are_complete_and_without_repeats_while_others_write"),
        ("opaque, bound to the tenant", "results:a_link_holds_no_value_and_no_other_tenant"
         " search:a_page_link_is_bound_to_its_tenant_and_type"),
        ("_count=0", "results:count_0_counts_only"),
    ),
    *_rows(
        "Transactions and batches",
        ("order: DELETE, POST, PUT and PATCH, GET",
         "entries:the_order_is_not_that_of_the_entries"
         " bundles:deletes_come_before_creates_and_reads_come_last"),
        ("links in uris are replaced, canonicals are not",
         "values:rewriting_replaces_uris_and_no_canonicals_or_texts"),
        ("urn:uuid references", "entries:references_within_a_transaction"
         " bundles:urn_references_become_the_new_ids_in_any_order"),
        ("conditional references", "entries:conditional_references"),
        ("the same resource twice is refused", "entries:the_same_resource_twice_is_refused"),
        ("all or nothing; a batch isolates its entries",
         "entries:all_or_nothing_and_each_for_itself"
         " bundles:one_bad_entry_leaves_nothing"),
        ("answers in the order of the entries",
         "entries:answers_stand_in_the_order_of_the_entries"),
        ("ifMatch, ifNoneMatch, ifNoneExist", "entries:conditions_of_entries"),
        ("patches as entries", "bundle_entries:patches_of_both_forms_by_id_and_by_criteria"),
        ("reads, searches and operations as entries", "bundle_entries:reads_of_every_kind"),
        ("other Bundles are refused", "entries:another_bundle_is_refused"),
    ),
    *_rows(
        "Errors",
        ("broken bodies", "errors:a_broken_body"),
        ("a member that stands twice",
         "bad:a_member_that_stands_twice_is_refused_by_every_way_of_writing"),
        ("wrong places and methods", "errors:a_wrong_place"),
        ("an OperationOutcome with expression", "errors:an_error_says_where"),
        ("unknown parameters by handling",
         "search:unknown_parameters_warn_or_fail_but_are_never_silent"
         " errors:unknown_parameters_of_reads_and_histories"),
        ("odd headers", "errors:odd_headers_never_break_the_server"),
        ("a body beyond the limit", "interactions:a_body_beyond_the_limit_is_refused"),
    ),
    *_rows(
        "Patch",
        ("JSON Patch", "patch:a_json_patch_makes_the_next_version"
         " patching:the_official_json_patch_cases"),
        ("FHIRPath Patch", "patch:a_fhirpath_patch patching:the_official_fhirpath_patch_cases"
         " patch:a_fhirpath_patch_changes_the_type_of_a_choice"),
        ("a patch that does not fit changes nothing",
         "patch:a_patch_that_cannot_be_changes_nothing"),
        ("patches at the same time all count", "patch:patches_at_the_same_time_all_count"),
    ),
    *_rows(
        "Operations",
        ("$validate",
         "validate:a_resource_is_looked_at_and_not_written validate:a_stored_resource"),
        ("$everything of Patient",
         "operations:everything_of_a_patient_is_the_compartment_and_what_it"
         "_refers_to operations:everything_comes_in_pages"),
        ("$everything of Encounter", "operations:everything_of_an_encounter_includes_its_patient"),
        ("$expand", "terminology:a_value_set_of_r4_is_expanded"
         " terminology:an_expansion_is_filtered_and_paged"),
        ("$validate-code", "terminology:codes_are_validated"),
        ("$lookup", "terminology:a_code_is_looked_up"),
        ("$subsumes", "terminology:subsumption"),
        ("$translate", "terminology:a_code_is_translated"),
        ("$meta, $meta-add, $meta-delete", "operations:meta_is_read_added_to_and_taken_from"),
        ("$export", "", "the bulk export of R4 is not there"),
        ("$import", "", "the bulk import is not there"),
        ("Questionnaire/$populate", "forms:a_questionnaire_is_filled_in_from_the_record"
         " forms:it_is_named_by_url_or_sent_along forms:public_questionnaires_are_filled_in",
         "by expressions (FHIRPath, x-fhir-query) and by latest Observations; not by StructureMap"),
        ("QuestionnaireResponse/$extract", "forms:answers_become_resources"
         " forms:an_extraction_context_that_finds_the_resource_updates_it"
         " forms:what_cannot_be_extracted_is_told",
         "by observations and by definitions; not by template or StructureMap"),
        ("PlanDefinition/$apply", "apply:a_plan_becomes_a_care_plan"
         " apply:a_plan_is_sent_along_and_needs_no_more_than_a_subject"
         " apply:what_cannot_be_applied_is_refused_as_a_whole",
         "conditions and dynamic values in FHIRPath; a plan that needs CQL is refused"),
    ),
    *_rows(
        "Validation",
        ("structure", "validation:a_fault_is_found_at_its_place"),
        ("invariants", "invariants:what_breaks_a_rule_is_refused_by_its_key"
         " invariants:every_rule_that_is_an_error_has_a_resource_that_breaks_it"),
        ("profiles", "profiles:what_meets_its_profile_is_stored"
         " profiles:what_breaks_its_profile_is_refused"),
        ("slicing", "slicing:every_kind_of_discriminator"),
        ("reference integrity", "integrity:a_reference_to_nothing_is_refused"),
    ),
    *_rows(
        "Access",
        ("types × ways to read × principals",
         "matrix:every_read_shows_what_is_granted_and_nothing_else"
         " matrix:nothing_changes_what_its_caller_may_not_change"),
        ("compartments × principals",
         "matrix:every_compartment_shows_what_is_granted_and_nothing_else"),
        ("answers that come later", "matrix:an_answer_that_comes_later_shows_no_more"),
        ("contained resources, value sets, forms",
         "leaks:contained_resources_are_found_only_where_both_types_are_granted"
         " leaks:a_value_set_of_the_store_needs_the_right_to_read_it"
         " leaks:a_form_is_filled_in_with_what_its_caller_may_read"),
    ),
    *_rows(
        "Subscriptions",
        ("R4 rest-hook", "", "Subscriptions can be stored; nothing is notified by them"),
        ("R5 Backport: topics, $status, $events", "", "not there"),
    ),
    *_rows(
        "Definitions",
        ("all concrete R4 resource types", "definitions:every_concrete_resource_type_is_there"),
        ("AuditEvent and Provenance of the server's own trail",
         "audited:an_auditor_finds_each_write_by_its_entity"
         " audited:a_run_s_write_has_a_provenance"),
    ),
    *_rows(
        "Independent clients",
        ("fhirpy", "python_clients:fhirpy_creates_reads_updates_patches_and_deletes"
         " python_clients:fhirpy_searches_in_pages_and_includes"
         " python_clients:fhirpy_sends_transactions_and_calls_operations"),
        ("fhirclient", "python_clients:fhirclient_does_its_work"),
        ("fhir-kit-client, @medplum/core", "node_clients:a_client_of_another_maker_does_its_work"),
    ),
]  # fmt: skip

SUITES: list[tuple[str, str, str]] = [
    (
        "JSON Patch cases of fhir-test-cases",
        _whole("patching:the_official_json_patch_cases"),
        "re-expressed as tests of this project",
    ),
    (
        "FHIRPath Patch cases of fhir-test-cases",
        _whole("patching:the_official_fhirpath_patch_cases"),
        "re-expressed as tests of this project",
    ),
    (
        "FHIRPath cases for R4 of fhir-test-cases",
        _whole("official:official_case"),
        "the half that is at hand; one more case contradicts the specification's own example and"
        " is left out (it is named in the test)",
    ),
    (
        "R4 examples come back as they were, over HTTP",
        _whole("public:every_official_example_comes_back_as_it_was"),
        "more than 35 official example resources in one test",
    ),
    (
        "R4 and US Core examples are valid",
        _whole("public_validation:official_examples_are_valid"),
        "at least 40 of R4 and 110 of US Core, one test for each set",
    ),
    (
        "Synthea Bundles as transactions",
        _whole("public:synthea_bundles_come_back_equal"),
        "the smallest of the 60 patients with what they refer to, every resource compared",
    ),
]
"""Public data: what it is, the test, what to know."""
