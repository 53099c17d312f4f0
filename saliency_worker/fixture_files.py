"""Where the files lie that come with the code: weights, the demo's pictures, the replay of Table 1, the pages of docs/.

In a checkout in `fixtures/`; in an installed package beside the code, where pyproject.toml puts them.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent
PACKAGED = _HERE / "fixtures"
FOLDER = PACKAGED if PACKAGED.is_dir() else _HERE.parent / "fixtures"
PAGES = PACKAGED if PACKAGED.is_dir() else _HERE.parent  # holds SECURITY.md and its like, and docs/
IN_CHECKOUT = (_HERE.parent / "manage.py").is_file()
