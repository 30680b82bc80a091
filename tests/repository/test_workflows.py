"""What actionlint and zizmor cannot know: whether the matrix fits the package, and what a deployment waits for."""

import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from .tree import ROOT


def python_problems(matrix: list[str], requires: str) -> list[str]:
    """Return what is wrong when the matrix is not the oldest and the newest Python of ``requires-python``."""
    allowed = [f"3.{minor}" for minor in range(100) if f"3.{minor}" in SpecifierSet(requires)]
    return [] if matrix == [allowed[0], allowed[-1]] else [f"the matrix is {matrix}, requires-python is {requires}"]


def deployment_problems(test: dict[Any, Any], publish: dict[str, Any]) -> list[str]:
    """Return how something untested or incomplete could get to the site or to the branch for Colab.

    Args:
        test: the parsed ``test.yml``, which builds the site as well.
        publish: the parsed ``publish.yml``.
    """
    problems = []
    if "push" in test[True]:  # YAML 1.1 reads `on` as true
        problems.append("test.yml also runs on a push, so main is tested twice, and the newer run stops the other")
    steps = [step.get("run", step.get("uses", "")) for step in test["jobs"]["site"]["steps"]]
    upload = next(n for n, step in enumerate(steps) if step.startswith("actions/upload-pages-artifact@"))
    if not any("booksite.published _build/html" in step for step in steps[:upload]):
        problems.append("test.yml uploads pages that nobody has counted")

    jobs = publish["jobs"]

    def needed(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*(needed(job) for job in direct))

    for name, job in jobs.items():
        if "write" in job.get("permissions", {}).values():
            tested = any(jobs[other].get("uses") == "./.github/workflows/test.yml" for other in needed(name))
            problems += [] if tested else [f"{name} does not need the tests"]
            problems += [f"{name} runs whatever the jobs before it say"] if "if" in job else []
    return problems


def workflow(name: str) -> dict[Any, Any]:
    return yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8"))


def test_matrix_is_the_oldest_and_the_newest_python() -> None:
    project = tomllib.loads((ROOT / "code" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    matrix = workflow("test.yml")["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert python_problems(matrix, project["requires-python"]) == []
    assert python_problems(["3.11", "3.12"], ">=3.11,<3.14")
    assert python_problems(["3.10", "3.13"], ">=3.11,<3.14")


def test_nothing_is_deployed_that_fails_the_tests_or_lacks_pages() -> None:
    assert deployment_problems(workflow("test.yml"), workflow("publish.yml")) == []


def skip_the_count(test: dict[Any, Any], _: dict[str, Any]) -> None:
    site = test["jobs"]["site"]
    site["steps"] = [step for step in site["steps"] if "booksite.published" not in step.get("run", "")]


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (lambda test, jobs: test[True].update(push=None), ["test.yml also runs on a push"]),
        (skip_the_count, ["test.yml uploads pages"]),
        (
            lambda test, jobs: jobs["deploy"].pop("needs"),
            ["deploy does not need the tests", "notebooks does not need the tests"],
        ),
        (lambda test, jobs: jobs["notebooks"].pop("needs"), ["notebooks does not need the tests"]),
        (lambda test, jobs: jobs["deploy"].update({"if": "always()"}), ["deploy runs whatever"]),
    ],
)
def test_a_way_past_the_tests_is_found(change: Callable[..., None], problems: list[str]) -> None:
    test, publish = workflow("test.yml"), workflow("publish.yml")
    change(test, publish["jobs"])
    found = deployment_problems(test, publish)
    assert len(found) == len(problems)
    assert all(one.startswith(start) for one, start in zip(found, problems, strict=True))
