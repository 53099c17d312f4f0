"""Textes par défaut d'une étude, en français."""

NAME = "Français"
TEXTS = {
    "welcome": """\
Dans cette étude, vous regardez des **cartes de chaleur** : des images qui montrent quelles parties d'une photo
un ordinateur a regardées pour décider de ce qu'elle représente. Nous voulons savoir à quel point on les comprend.

Cela prend quelques minutes. Il n'y a pas de question piège, et aucune connaissance en informatique n'est
nécessaire.
""",
    "consent": """\
**Ce que vous ferez.** D'abord, vous verrez des cartes de chaleur et choisirez la photo dont chacune provient.
Ensuite, vous verrez des cartes avec leur photo et noterez à quel point elles conviennent.

**Votre participation est libre.** Vous pouvez arrêter à tout moment en fermant la page, sans donner de raison.
Le même lien vous permet de revenir et de continuer là où vous vous étiez arrêté. Chaque page porte un
lien par lequel vous pouvez arrêter et retirer vos réponses.

**Ce qui est conservé.** Vos réponses, leur durée, la taille de votre fenêtre, la famille de votre navigateur et
votre langue. Votre adresse réseau n'est pas conservée. Les réponses peuvent être publiées sans rien qui vous
nomme.

**Qui peut participer.** Les adultes qui voient l'écran assez bien pour distinguer des photos.

**Qui est responsable.** {controller}. Questions et réclamations : {contact}. Approbation éthique : {ethics_number}.

**Durée de conservation.** Si un service de recrutement vous a envoyé, l'identifiant qu'il vous a donné est effacé le
{ids_erased_on}. Les réponses, qui ne vous nomment pas, sont conservées.
""",
    "demographics": "",
    "break": """\
C'est le moment d'une courte pause. Détournez un instant les yeux de l'écran, et continuez quand vous êtes prêt.
Vos réponses sont en sécurité.
""",
    "debrief": """\
**De quoi il s'agissait.** Les ordinateurs qui reconnaissent des images peuvent indiquer ce qu'ils ont regardé.
Certaines des cartes étaient de simples cartes de chaleur ; d'autres y mêlaient les contours de la photo. Nous
comparons à quel point on reconnaît la photo avec chaque sorte, et à quel point chacune paraît convaincante.
""",
    "done": "Toutes vos réponses ont été reçues et enregistrées.",
    "screened_out": """\
Merci de votre intérêt. Cette étude demande un écran plus grand que celui d'un téléphone ; vous ne pouvez donc pas
y participer avec cet appareil. Aucune réponse de votre part n'a été conservée.
""",
    "full": """\
Merci de votre intérêt. Toutes les places de cette étude sont prises pour le moment. Aucune réponse de votre part
n'a été conservée.
""",
    "closed": "Cette étude est close et ne prend plus de participants. Merci de votre intérêt.",
    "privacy": """\
**Conservé avec vos réponses :** ce que vous avez choisi, quand, en combien de temps, si la page était visible, la
taille de votre fenêtre et des images, les signes d'un programme qui répond à la place d'une personne, la famille de
votre navigateur (par exemple Firefox), votre langue, et les
réponses aux questions sur vous-même, si l'étude en pose.

**Conservé à part :** si un service de recrutement vous a envoyé, l'identifiant qu'il vous a donné. Il sert à
confirmer votre participation et ne fait jamais partie des données de recherche.

**Non conservé :** votre adresse réseau, votre nom, votre adresse électronique, ni aucun cookie de suivi. Les pages
ne chargent rien d'autres entreprises. Un cookie protège le formulaire de départ, un autre vous permet de
revenir avec le même navigateur, comme le lien dans votre barre d'adresse, et retient pendant un an que quelqu'un y a
participé. Qui n'a pas été admis et a reçu un code est reconnu par une marque d'où nul ne peut lire un identifiant.

**Retrait :** vous pouvez vous retirer à tout moment, depuis chaque page de l'étude et plus tard avec le lien de la
dernière. Vos réponses sont alors
effacées des données et de toute exportation ultérieure ; il reste une ligne vide disant que quelqu'un s'est retiré,
et des empreintes dont rien ne peut être lu.
""",
}
