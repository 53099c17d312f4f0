"""Default texts of the rating task (en)."""

TEXTS = {
    "instructions_rating": """\
Now you see a **heat map together with its photo**.

**How well does the map interpret the photo?** Choose a number from 0 to 6: 0 means not at all, 6 means
perfectly. There is no right or wrong answer. Please use the whole scale.
""",
    "begin_rating": """\
That was the practice. The ratings that count begin now.
""",
    "rating_question": "How well does the map interpret the photo?",
    "rating_low": "not at all",
    "rating_high": "perfectly",
}
