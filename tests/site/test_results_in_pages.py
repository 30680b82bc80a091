"""What the built pages say of the tables in `results/`, worked out again from the rows with Python's own statistics."""

import re
from statistics import mean, stdev

import pytest
from bs4 import BeautifulSoup

from ..rows import last, runs


def replay() -> list[str]:
    rows = runs("replay")
    scores = [[float(row["val_accuracy"]) for row in epochs] for epochs in rows.values()]
    ends = [100 * epochs[-1] for epochs in scores]
    flattery = 100 * mean(max(epochs) - epochs[-1] for epochs in scores)
    return [
        f"The mean of the {len(ends)} runs is {mean(ends):.2f} %, their standard deviation {stdev(ends):.2f} points, "
        f"their range {min(ends):.2f} to {max(ends):.2f} %.",
        f"the mean would be {flattery:.2f} points higher",
    ]


def second_block() -> list[str]:
    means = {width: mean(last("second_block", f"{width} kernels", "test_accuracy")) for width in (32, 16, 8)}
    kept = {
        what: mean(last("second_block", "16 kernels", what)) / mean(last("second_block", "32 kernels", what))
        for what in ("parameters", "macs", "cpu_seconds")
    }
    saved = [f"{100 * (1 - share):.0f} %" for share in kept.values()]
    return [
        f"The means are {100 * means[32]:.2f} % with 32 kernels, {100 * means[16]:.2f} % with 16 and "
        f"{100 * means[8]:.2f} % with 8.",
        f"the mean falls by {100 * (means[32] - means[8]):.2f} points",
        f"Half the kernels save {saved[0]} of the parameters, {saved[1]} of the MACs and {saved[2]} of the time.",
    ]


def dropout() -> list[str]:
    training = {rate: mean(last("dropout", f"dropout {rate}", "accuracy")) for rate in ("0.0", "0.2")}
    return [f"The training accuracy falls by {100 * (training['0.0'] - training['0.2']):.0f} points"]


def schedules() -> list[str]:
    """A row of the page's table: the validation errors of three seeds, and their mean."""
    errors = [round(5_000 * (1 - accuracy)) for accuracy in last("schedules", "one_cycle", "val_accuracy")]
    return [f"one cycle {' '.join(map(str, errors))} {mean(errors):.1f}"]


def steps() -> list[str]:
    errors = {
        name: mean(round(5_000 * (1 - accuracy)) for accuracy in last("steps", name, "val_accuracy"))
        for name in ("the notes", "pool early")
    }
    return [f"and it costs: {errors['pool early']:.0f} errors instead of {errors['the notes']:.0f}."]


def frontier() -> list[str]:
    names = ("compact_20k", "compact_7k", "compact_4k", "compact_2k")
    means = [f"{100 * mean(last(name, name, 'test_accuracy')):.2f} % for {name}" for name in names]
    return [f"The means are {', '.join(means[:-1])} and {means[-1]}."]


def one_minute() -> list[str]:
    rows = runs("one_minute")
    accuracies = [100 * accuracy for accuracy in last("one_minute", "one_minute", "test_accuracy")]
    seconds = [sum(float(row["seconds"]) for row in epochs) for epochs in rows.values()]
    return [
        f"the ten networks reach {mean(accuracies):.2f} % on average, the worst of them {min(accuracies):.2f} %.",
        f"Training takes {mean(seconds):.0f} seconds on average and {max(seconds):.0f} at most",
    ]


PAGES = {
    "08-epochs-and-schedules": [schedules],
    "09-train-the-network": [replay],
    "11-the-second-block": [second_block, dropout],
    "12-smaller-and-faster": [steps, frontier, one_minute],
}


def text(page: str) -> str:
    return re.sub(r"\s+", " ", BeautifulSoup(page, "html.parser").get_text(" "))


def missing(page: str, sentences: list[str]) -> list[str]:
    """Return the sentences that are not in the text of a page, spaces around punctuation apart."""

    def plain(words: str) -> str:
        return re.sub(r"\s+", "", words)

    return [sentence for sentence in sentences if plain(sentence) not in plain(text(page))]


@pytest.mark.parametrize(("page", "sources"), PAGES.items(), ids=PAGES)
def test_a_page_says_what_the_rows_say(site, page, sources):
    built = (site / "chapters" / f"{page}.html").read_text(encoding="utf-8")
    assert missing(built, [sentence for source in sources for sentence in source()]) == []


def test_another_number_would_be_noticed():
    page = "<p>The mean is <strong>99.40</strong> %.</p>"
    assert missing(page, ["The mean is 99.40 %."]) == []
    assert missing(page, ["The mean is 99.41 %."]) == ["The mean is 99.41 %."]
