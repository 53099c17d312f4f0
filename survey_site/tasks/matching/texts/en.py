"""Default texts of the matching task (en)."""

TEXTS = {
    "instructions_matching": """\
You will see one **heat map**. Warm colours mark the parts that mattered to the computer. Some maps also show
outlines.

Beside or below it are several photos. **One of them is the photo the map was made from.** Pick the one you think it is,
then press *Confirm*.

There is no time to beat, but your first impression is usually good. You will see every photo only once.
""",
    "begin_matching": """\
That was the practice. From now on you will not be told whether you were right.
""",
    "matching_question": "Which photo was this map made from?",
}

EXEMPLAR = {
    "instructions_matching": """\
You will see one **heat map**. It was made from a photo that you will not see. Warm colours mark the parts that mattered
to the computer. Some maps also show outlines.

Beside or below it are several photos of different things. **One of them shows the same kind of thing as the photo the map
was made from**, but it is another photo. Pick the one you think it is, then press *Confirm*.

There is no time to beat, but your first impression is usually good. You will see every photo only once.
""",
    "matching_question": "Which photo shows the same kind of thing as the photo this map was made from?",
}
