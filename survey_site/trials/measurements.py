"""What the browser measures: what is accepted of it (trials/scoring.py) and what is exported.

A new measurement is one row here; the script (static/trials/measure.js) sends it under this name.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of `Response.client` or `Participant.client`. words: those that it may be; none: a finite number.

    of_person: how a participant's trials are summed up in participants.csv, if they are: by the first, or by the sum.
    """

    name: str
    description: str
    unit: str = ""
    words: tuple[str, ...] = ()
    of_person: str = ""


FLOOR_PX = 160
"""No picture is shown smaller, in CSS pixels, but by a browser that does not keep to the style sheet."""
FIRST, SUM = "first", "sum"
MEASUREMENTS: tuple[Measurement, ...] = (
    Measurement("viewport_w", "Width of the browser's window (viewport).", "CSS px", of_person=FIRST),
    Measurement("viewport_h", "Height of the browser's window (viewport).", "CSS px", of_person=FIRST),
    Measurement("dpr", "Device pixel ratio: pixels of the screen in a CSS pixel.", of_person=FIRST),
    Measurement("scale", "Pinch zoom; 1: none."),
    Measurement("text_px", "Size of text that the browser is set to; 16 is usual.", "px"),
    Measurement("map_w", "Width of the map (of several the first) as shown.", "CSS px"),
    Measurement("map_h", "Height of the map (of several the first) as shown.", "CSS px"),
    Measurement("natural_w", "Width of the map's file.", "px"),
    Measurement("natural_h", "Height of the map's file.", "px"),
    Measurement("smallest_px", "Smallest side of all pictures of the trial, as shown.", "CSS px"),
    Measurement("below_floor", "1: the smallest side was below 160 CSS pixels."),
    Measurement("out_of_view", "How many pictures were never on the screen by half."),
    Measurement("enlarged", "How often a picture was enlarged."),
    Measurement(
        "option_w",
        "Width of the first picture to choose from, as shown; empty where there was none.",
        "CSS px",
    ),
    Measurement(
        "option_h",
        "Height of the first picture to choose from, as shown; empty where there was none.",
        "CSS px",
    ),
    Measurement("blurs", "How often the window lost the focus during the trial.", of_person=SUM),
    Measurement(
        "hidden_ms",
        "How long the page was hidden (another tab, minimised) since the onset.",
        "ms",
        of_person=SUM,
    ),
    Measurement("image_retries", "How often a picture had to be fetched again."),
    Measurement(
        "input",
        "With what the answer was given.",
        words=("mouse", "touch", "pen", "keyboard"),
        of_person=FIRST,
    ),
    Measurement("scheme", "Colour scheme of the browser.", words=("light", "dark")),
    Measurement(
        "scripts",
        "Why nothing was measured: the browser runs no scripts, or some did not come.",
        words=("off", "failed"),
    ),
    Measurement("actions", "Keys, clicks and touches of the trial that a device made; 0: none at all."),
    Measurement("webdriver", "1: the browser says that a program drives it."),
    Measurement(
        "impossible_time", "1: quicker than anybody sees, or longer than the participant was here by then."
    ),
    Measurement("untrusted", "Clicks and keys that no device made but a script."),
    Measurement("pasted", "How often something was pasted."),
    Measurement("framed", "1: shown inside another site's page."),
    Measurement("onset_ms", "Onset of the pictures by the browser's monotonic clock.", "ms"),
    Measurement("answered_ms", "Answer by the browser's monotonic clock.", "ms"),
    Measurement("onset_epoch_ms", "Onset of the pictures by the device's clock, since 1970 (UTC).", "ms"),
    Measurement("answered_epoch_ms", "Answer by the device's clock, since 1970 (UTC).", "ms"),
)
SENT_APART = (
    "scripts"  # a field of the form: who could not run the script that fills in the rest says so by it
)
NUMBERS = tuple(one.name for one in MEASUREMENTS if not one.words)
WORDS = {one.name: one.words for one in MEASUREMENTS if one.words and one.name != SENT_APART}

AT_CONSENT: tuple[Measurement, ...] = (
    Measurement("screen_w", "Width of the screen.", "CSS px"),
    Measurement("screen_h", "Height of the screen.", "CSS px"),
    Measurement("viewport_w", "Width of the browser's window (viewport).", "CSS px"),
    Measurement("viewport_h", "Height of the browser's window (viewport).", "CSS px"),
    Measurement("dpr", "Device pixel ratio: pixels of the screen in a CSS pixel."),
    Measurement("text_px", "Size of text that the browser is set to; 16 is usual.", "px"),
    Measurement("touch", "How many fingers the screen tells apart; 0: no touch screen."),
    Measurement("webdriver", "1: the browser says that a program drives it."),
    Measurement("framed", "1: shown inside another site's page."),
    Measurement("untrusted", "Clicks and keys that no device made but a script."),
    Measurement("pasted", "How often something was pasted, into the study's own questions too."),
    Measurement("consent_ms", "Time on the page of consent.", "ms"),
    Measurement("hidden_ms", "How long the page of consent was hidden.", "ms"),
)
