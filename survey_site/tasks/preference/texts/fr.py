"""Default texts of the preference task (fr)."""

TEXTS = {
    "instructions_preference": """\
Vous verrez maintenant une photo avec **deux cartes de chaleur** de celle-ci.

**Quelle carte explique le mieux la photo ?** Choisissez l'une des deux, même si le choix est difficile. Il n'y a pas
de bonne ou de mauvaise réponse.
""",
    "begin_preference": """\
C'était l'entraînement. Les comparaisons qui comptent commencent maintenant.
""",
    "preference_question": "Quelle carte explique le mieux la photo ?",
}
