"""Default texts of the rating task (fr)."""

TEXTS = {
    "instructions_rating": """\
Vous verrez maintenant une **carte de chaleur avec sa photo**.

**À quel point la carte interprète-t-elle bien la photo ?** Choisissez un nombre de 0 à 6 : 0 signifie pas du
tout, 6 signifie parfaitement. Il n'y a pas de bonne ou de mauvaise réponse. Utilisez toute l'échelle.
""",
    "begin_rating": """\
C'était l'entraînement. Les notes qui comptent commencent maintenant.
""",
    "rating_question": "À quel point la carte interprète-t-elle bien la photo ?",
    "rating_low": "pas du tout",
    "rating_high": "parfaitement",
}
