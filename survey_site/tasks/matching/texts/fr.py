"""Default texts of the matching task (fr)."""

TEXTS = {
    "instructions_matching": """\
Vous verrez une **carte de chaleur**. Les couleurs chaudes marquent les parties qui ont compté pour l'ordinateur.
Certaines cartes montrent aussi des contours.

À côté ou en dessous se trouvent plusieurs photos. **L'une d'elles est celle dont la carte provient.** Choisissez celle que
vous pensez être la bonne, puis appuyez sur *Confirmer*.

Vous n'êtes pas pressé par le temps, mais la première impression est souvent bonne. Vous ne verrez chaque photo
qu'une seule fois.
""",
    "begin_matching": """\
C'était l'entraînement. À partir de maintenant, on ne vous dira plus si vous aviez raison.
""",
    "matching_question": "De quelle photo cette carte provient-elle ?",
}

EXEMPLAR = {
    "instructions_matching": """\
Vous verrez une **carte de chaleur**. Elle provient d'une photo que vous ne verrez pas. Les couleurs chaudes marquent les
parties qui ont compté pour l'ordinateur. Certaines cartes montrent aussi des contours.

À côté ou en dessous se trouvent plusieurs photos de choses différentes. **L'une d'elles montre le même genre de chose que la
photo dont la carte provient**, mais c'est une autre photo. Choisissez celle que vous pensez être la bonne, puis appuyez sur
*Confirmer*.

Vous n'êtes pas pressé par le temps, mais la première impression est souvent bonne. Vous ne verrez chaque photo
qu'une seule fois.
""",
    "matching_question": "Quelle photo montre le même genre de chose que la photo dont cette carte provient ?",
}
