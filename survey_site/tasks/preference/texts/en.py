"""Default texts of the preference task (en)."""

TEXTS = {
    "instructions_preference": """\
Now you see a photo with **two heat maps** of it.

**Which map explains the photo better?** Choose one of the two, even where the choice is hard. There is no right or
wrong answer.
""",
    "begin_preference": """\
That was the practice. The comparisons that count begin now.
""",
    "preference_question": "Which map explains the photo better?",
}
