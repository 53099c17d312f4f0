"""Default texts of the agreement task (fr)."""

TEXTS = {
    "instructions_agreement": """\
Un réseau nomme ce qu'il voit sur une photo. **Il a parfois raison et parfois tort.** Vous voyez la photo, le nom que donne
le réseau et une carte de chaleur qui explique pourquoi.

**Le réseau a-t-il raison ?** Dites à quel point vous en êtes sûr, en quatre degrés, de certainement faux à certainement
juste.
""",
    "begin_agreement": """\
C'était l'entraînement. Les réponses qui comptent commencent maintenant.
""",
    "agreement_question": "Le réseau a-t-il raison ?",
}
