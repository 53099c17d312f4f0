"""Default texts of the distinction task (fr)."""

TEXTS = {
    "instructions_distinction": """\
Un réseau nomme ce qu'il voit sur une photo. Vous voyez la photo avec **quatre cartes de chaleur, faites chacune pour un
autre nom** ; les noms ne sont pas montrés.

**Quelle carte correspond au nom que le réseau a choisi ?** Choisissez-en une et dites à quel point vous en êtes sûr.
""",
    "begin_distinction": """\
C'était l'entraînement. Les réponses qui comptent commencent maintenant.
""",
    "distinction_question": "Quelle carte correspond au nom que le réseau a choisi ?",
    "distinction_sure": "À quel point en êtes-vous sûr ?",
}
