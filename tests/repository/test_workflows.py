"""The workflows are valid, pinned, and may do no more than they need."""

import re
import tomllib
from typing import Any

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from packaging.specifiers import SpecifierSet
from ruamel.yaml import YAML

from .tree import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Who may write, and what. Anything else is a mistake.
MAY_WRITE = {("publish.yml", "deploy"): {"pages", "id-token"}, ("publish.yml", "notebooks"): {"contents"}}
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def workflow_problems(name: str, text: str) -> list[str]:
    """Return actions that are not pinned, rights that nobody granted here, and jobs that could run for hours."""
    uses = [use for use in re.findall(r"uses: *(.*)", text) if not use.startswith("./")]  # ours, at the same commit
    problems = [f"not pinned: {use}" for use in uses if not PINNED.fullmatch(use)]
    workflow = yaml.safe_load(text)
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        problems.append("permissions of the workflow: {} or contents: read")
    for job_name, job in workflow["jobs"].items():
        permissions = job.get("permissions", {})
        granted = MAY_WRITE.get((name, job_name), set())
        if not isinstance(permissions, dict):
            problems.append(f"{job_name}: list the permissions one by one")
        elif writes := {scope for scope, right in permissions.items() if right == "write"} - granted:
            problems.append(f"{job_name}: may write {', '.join(sorted(writes))}")
        if "uses" in job:  # the jobs of that workflow have their own timeouts and steps
            continue
        if "timeout-minutes" not in job:
            problems.append(f"{job_name}: no timeout")
        problems += [
            f"{job_name}: checkout keeps its credentials"
            for step in job["steps"]
            if step.get("uses", "").startswith("actions/checkout@")
            and "contents" not in granted
            and step.get("with", {}).get("persist-credentials") is not False
        ]
    return problems


def python_problems(matrix: list[str], requires: str) -> list[str]:
    """Return what is wrong when the matrix is not the oldest and the newest Python of ``requires-python``."""
    allowed = [f"3.{minor}" for minor in range(100) if f"3.{minor}" in SpecifierSet(requires)]
    return [] if matrix == [allowed[0], allowed[-1]] else [f"the matrix is {matrix}, requires-python is {requires}"]


def schema_problems(text: str, schema: str) -> list[str]:
    """Validate YAML against a published schema that check-jsonschema brings along, so no network is needed."""
    data = YAML(typ="safe").load(text)  # YAML 1.2, where `on` is a word
    return [error.message for error in Draft7Validator(get_builtin_schema(f"vendor.{schema}")).iter_errors(data)]


FILES_WITH_SCHEMA = [(path, "github-workflows") for path in WORKFLOWS]
FILES_WITH_SCHEMA.append((ROOT / "CITATION.cff", "citation-file-format"))


@pytest.mark.parametrize(("path", "schema"), FILES_WITH_SCHEMA, ids=lambda value: getattr(value, "name", ""))
def test_file_fits_its_published_schema(path, schema):
    text = path.read_text(encoding="utf-8")
    assert schema_problems(text, schema) == []
    assert schema_problems(text + "\nauthor: me\n", schema)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_pinned_and_least_privileged(path):
    assert workflow_problems(path.name, path.read_text(encoding="utf-8")) == []


def deployment_problems(workflows: dict[str, Any]) -> list[str]:
    """Return how something untested or incomplete could get to the site or to the branch for Colab.

    Args:
        workflows: the parsed workflows by their file names.
    """
    problems = []
    triggers = workflows["test.yml"][True]  # YAML 1.1 reads `on` as true
    if "workflow_call" not in triggers:
        problems.append("test.yml cannot be called")
    if "push" in triggers:
        problems.append("test.yml also runs on a push, so main is tested twice, and the newer run stops the other")
    jobs = workflows["publish.yml"]["jobs"]

    def needed(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*(needed(job) for job in direct))

    for name, job in jobs.items():
        if "write" in job.get("permissions", {}).values():
            tested = any(jobs[other].get("uses") == "./.github/workflows/test.yml" for other in needed(name))
            problems += [] if tested else [f"{name} does not need the tests"]
            problems += [f"{name} runs whatever the jobs before it say"] if "if" in job else []
    steps = [step.get("run", step.get("uses", "")) for step in jobs["build"]["steps"]]
    upload = next(n for n, step in enumerate(steps) if step.startswith("actions/upload-pages-artifact@"))
    if not any("convbook.sphinx_site _build/html" in step for step in steps[:upload]):
        problems.append("build uploads pages that nobody has counted")
    return problems


def parsed_workflows() -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in WORKFLOWS}


def test_nothing_is_deployed_that_fails_the_tests_or_lacks_pages():
    assert deployment_problems(parsed_workflows()) == []


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda test, jobs: test[True].pop("workflow_call"), ["test.yml cannot be called"]),
        (lambda test, jobs: test[True].update(push=None), ["test.yml also runs on a push"]),
        (
            lambda test, jobs: jobs["deploy"].update(needs="build"),
            ["deploy does not need the tests", "notebooks does not need the tests"],
        ),
        (lambda test, jobs: jobs["notebooks"].pop("needs"), ["notebooks does not need the tests"]),
        (lambda test, jobs: jobs["deploy"].update({"if": "always()"}), ["deploy runs whatever"]),
        (
            lambda test, jobs: jobs["build"].update(
                steps=[step for step in jobs["build"]["steps"] if "sphinx_site" not in step.get("run", "")]
            ),
            ["build uploads pages"],
        ),
    ],
)
def test_a_way_past_the_tests_is_found(change, problems):
    workflows = parsed_workflows()
    change(workflows["test.yml"], workflows["publish.yml"]["jobs"])
    found = deployment_problems(workflows)
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))


def test_action_has_one_version_everywhere():
    uses = {use for path in WORKFLOWS for use in re.findall(r"uses: *(\S+@\S+)", path.read_text(encoding="utf-8"))}
    assert len({use.split("@")[0] for use in uses}) == len(uses)


def good_job() -> dict[str, Any]:
    step = f"actions/checkout@{'0' * 40}"
    return {"timeout-minutes": 5, "steps": [{"uses": step, "with": {"persist-credentials": False}}]}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, None),
        ({"permissions": "write-all"}, "job: list the permissions one by one"),
        ({"permissions": {"contents": "write"}}, "job: may write contents"),
        ({"permissions": {"contents": "write"}, "uses": "./.github/workflows/test.yml"}, "job: may write contents"),
        ({"timeout-minutes": None}, "job: no timeout"),
        ({"steps": [{"uses": f"actions/checkout@{'0' * 40}"}]}, "job: checkout keeps its credentials"),
        ({"steps": [{"uses": "actions/setup-python@v6"}]}, "not pinned: actions/setup-python@v6"),
    ],
)
def test_wrong_job_is_found(change, problem):
    job = {key: value for key, value in {**good_job(), **change}.items() if value is not None}
    text = yaml.safe_dump({"permissions": {}, "jobs": {"job": job}})
    text = text.replace("0" * 40, "0" * 40 + " # v6.0.2")
    assert workflow_problems("test.yml", text) == ([problem] if problem else [])


def test_wrong_workflow_permissions_are_found():
    text = yaml.safe_dump({"jobs": {"job": good_job()}}).replace("0" * 40, "0" * 40 + " # v6.0.2")
    assert workflow_problems("test.yml", text) == ["permissions of the workflow: {} or contents: read"]


def test_matrix_is_the_oldest_and_the_newest_python():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "code" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    matrix = workflow["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert python_problems(matrix, project["requires-python"]) == []
    assert python_problems(["3.11", "3.12"], ">=3.11,<3.14")
    assert python_problems(["3.10", "3.13"], ">=3.11,<3.14")
