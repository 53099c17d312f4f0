"""Default texts of the agreement task (en)."""

TEXTS = {
    "instructions_agreement": """\
A network names what it sees in a photo. **It is sometimes right and sometimes wrong.** You see the photo, the name that the
network gives, and a heat map that explains why.

**Is the network right?** Say how sure you are, in four steps from definitely wrong to definitely right.
""",
    "begin_agreement": """\
That was the practice. The answers that count begin now.
""",
    "agreement_question": "Is the network right?",
}
