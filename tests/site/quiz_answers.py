"""The right answers of the quiz questions that ask for a number, each computed in another way than on the page."""

ANSWERS = {}
