"""Default texts of a study, in English. Each can be replaced per study in the admin."""

NAME = "English"
TEXTS = {
    "welcome": """\
In this study you look at **heat maps**: pictures that show which parts of a photo a computer looked at
when it decided what is in the photo. We want to know how well people understand them.

It takes a few minutes. There are no trick questions, and you need no knowledge of computers.
""",
    "consent": """\
**What you will do.** First you see heat maps and pick the photo each of them was made from. Then you see
heat maps together with their photos and rate how well they fit.

**Taking part is your choice.** You may stop at any time by closing the page, without giving a reason. You can
come back by the same link and go on where you stopped. Every page has a link with which you can stop and withdraw
your answers.

**What is stored.** Your answers, how long they took, the size of your window, the family of your browser and
your language. Your network address is not stored. The answers may be published without anything that names you.

**Who may take part.** Adults who see the screen well enough to tell photos apart.

**Who is responsible.** {controller}. Questions and complaints: {contact}. Ethics approval: {ethics_number}.

**How long it is kept.** Where a recruitment service sent you, the identifier it gave you is erased on {ids_erased_on}. The
answers, which do not name you, are kept.
""",
    "demographics": "",
    "break": """\
Time for a short rest. Look away from the screen for a moment, and go on when you are ready. Your answers so far
are safe.
""",
    "debrief": """\
**What this was about.** Computers that recognise pictures can point at what they looked at. Some of the maps
you saw were plain heat maps; others had the outlines of the photo mixed in. We compare how well people
recognise the photo from each kind, and how convincing each kind looks.
""",
    "done": "All your answers have been received and stored.",
    "screened_out": """\
Thank you for your interest. This study needs a larger screen than a phone's, so you cannot take part with this
device. No answer of yours has been stored.
""",
    "full": """\
Thank you for your interest. All places of this study are taken at the moment. No answer of yours has been stored.
""",
    "closed": "This study is closed and takes no new participants. Thank you for your interest.",
    "privacy": """\
**Stored with your answers:** what you chose, when, how long it took, whether the page was visible, the size of
your window and of the pictures, signs of a program that answers in place of a person, the family of your browser
(such as Firefox), your language, and the answers you give to questions about yourself, if the study asks any.

**Stored apart:** if a recruitment service sent you, the identifier it gave you. It serves to confirm your
participation and is never part of the research data.

**Not stored:** your network address, your name, your e-mail address, or any tracking cookie. The pages load
nothing from other companies. One cookie protects the start form, another lets you come back from the
same browser, as the link in your address bar does, and remembers for a year that somebody took part there. Who was not
let in and was shown a code is recognised by a mark from which nobody can read an identifier.

**Withdrawal:** you can withdraw at any time, from every page of the study and later with the link on the last one.
Your answers are then erased from
the data and from every later export; what remains is an empty row saying that somebody withdrew,
and digests from which nothing can be read.
""",
}
