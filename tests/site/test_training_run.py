"""The run in the built page is a run of the notes' recipe."""

from io import StringIO

import pandas as pd
import pytest

from convbook.history import notes_log


def read_log(page: str) -> pd.DataFrame:
    """Find the table of the epochs in a page."""
    for table in pd.read_html(StringIO(page), flavor="bs4"):
        table.columns = table.columns.get_level_values(0)  # the name of the index fills a second row of the head
        if "val_acc" in table.columns:
            return table
    raise LookupError("no table of the page has a column val_acc")


def problems(log: pd.DataFrame) -> list[str]:
    """Compare with what a faithful repetition has to show: 20 epochs, the notes' rates, accuracies within luck."""
    found = []
    if log["lr"].tolist() != [epoch.learning_rate for epoch in notes_log()]:
        found.append("the learning rates are not those of the notes")
    bounds = {(0, "acc"): (0.83, 0.87), (-1, "acc"): (0.950, 0.965), (-1, "val_acc"): (0.9930, 0.9960)}
    for (epoch, name), (low, high) in bounds.items():
        if not low <= log[name].iloc[epoch] <= high:
            found.append(f"{name} of epoch {epoch} is not in [{low}, {high}]")
    return found


def test_the_page_shows_a_faithful_run(site):
    log = read_log((site / "chapters" / "09-train-the-network.html").read_text(encoding="utf-8"))
    assert problems(log) == []


@pytest.fixture
def notes_page():
    names = {"learning_rate": "lr", "accuracy": "acc", "val_accuracy": "val_acc"}
    table = pd.DataFrame(notes_log()).set_index("epoch").rename(columns=names)
    return "<table><tr><th>another</th></tr></table>" + table.to_html(float_format="{:.10f}".format)


def test_the_notes_own_log_would_pass(notes_page):
    assert problems(read_log(notes_page)) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("0.0022744503", "0.0022744504", "learning rates"),
        ("0.8544", "0.9271", "acc of epoch 0"),
        ("0.9944", "0.9300", "val_acc of epoch -1"),
    ],
)
def test_another_log_would_not(notes_page, old, new, problem):
    assert any(problem in line for line in problems(read_log(notes_page.replace(old, new))))


def test_a_page_without_a_log_would_not():
    with pytest.raises(LookupError, match="val_acc"):
        read_log("<table><tr><th>another</th></tr><tr><td>1</td></tr></table>")


def test_a_shorter_run_would_not(notes_page):
    assert "learning rates" in problems(read_log(notes_page).head(19))[0]
