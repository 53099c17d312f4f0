"""Default texts of the distinction task (en)."""

TEXTS = {
    "instructions_distinction": """\
A network names what it sees in a photo. You see the photo with **four heat maps, each made for another name**; the names are
not shown.

**Which map is for the name that the network chose?** Pick one, and say how sure you are.
""",
    "begin_distinction": """\
That was the practice. The answers that count begin now.
""",
    "distinction_question": "Which map is for the name that the network chose?",
    "distinction_sure": "How sure are you?",
}
