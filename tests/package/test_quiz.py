import pytest
from bs4 import BeautifulSoup

from convbook.quiz import Question, quiz

QUESTIONS = [
    Question("size", "How large is `x[0] < 1`?", ("3", "It is floored."), [("3.5", "No half pixels."), ("4", "No.")]),
    Question("flip", "Flipped?", ("no", "Frameworks do not."), [("yes", "That is mathematics.")]),
]


@pytest.fixture
def page():
    return BeautifulSoup(quiz(*QUESTIONS).data, "html5lib")


def test_every_option_answers_for_itself(page):
    for question, item in zip(QUESTIONS, page.select("ol.quiz > li"), strict=True):
        shown = {option.summary.get_text(): option.p.get_text() for option in item.find_all("details")}
        expected = {question.right[0]: f"✓ Right. {question.right[1]}"}
        expected |= {answer: f"✗ No. {why}" for answer, why in question.wrong}
        assert shown == expected


def test_only_one_option_of_a_question_is_open_at_a_time(page):
    names = [{option["name"] for option in item.find_all("details")} for item in page.find_all("li")]
    assert names == [{"quiz-size"}, {"quiz-flip"}]


def test_nothing_is_answered_before_the_reader_answers(page):
    assert page.select("details[open]") == []


def test_text_is_escaped_and_backticks_make_code(page):
    assert page.select_one("#quiz-size code").get_text() == "x[0] < 1"


def test_the_right_answer_has_no_usual_place():
    def place(number: int) -> int:
        question = Question("a", "?", (f"right {number}", ""), [(f"wrong {number}{i}", "") for i in range(3)])
        options = BeautifulSoup(quiz(question).data, "html5lib").find_all("details")
        return [option.p.get_text().startswith("✓") for option in options].index(True)

    assert {place(number) for number in range(40)} == {0, 1, 2, 3}


def test_the_source_does_not_tell_the_right_answer_at_a_glance():
    source = quiz(*QUESTIONS).data.partition("<style>")[0]
    assert "Right" not in source and "✓" not in source and "right" not in source


def test_signs_stay_with_their_numbers():
    question = Question("a", "Is it 3 × 3 or a · b?", ("3 × 3", ""), [("a x b", "")])
    page = BeautifulSoup(quiz(question).data, "html5lib")
    assert page.li.p.get_text().replace("\N{NO-BREAK SPACE}", "_") == "Is it 3_×_3 or a_·_b?"
