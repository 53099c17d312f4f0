"""The manifest of a study folder, checked against its files before anything is read."""

import hashlib
from pathlib import Path, PurePosixPath

from survey_site.reports.study_folder import layout
from survey_site.reports.study_folder.layout import BadFolder, FolderRow


def checked_manifest(source: Path) -> FolderRow:
    """The manifest of a folder whose files are all there, unchanged and of a version that is read."""
    manifest = read_json(source / layout.MANIFEST)
    if manifest.get("format") != layout.FORMAT:
        raise BadFolder(f"{source} is no study folder: {layout.MANIFEST} does not say {layout.FORMAT}")
    if manifest.get("version") not in layout.READ:
        known = " and ".join(map(str, layout.READ))
        raise BadFolder(
            f"{source} is of version {manifest.get('version')}; this program reads the versions {known}"
        )
    files = manifest.get("files")
    needed = {layout.STUDY, *(f"{name}.jsonl" for name in layout.TABLES)}
    if not isinstance(files, dict) or needed - set(files):
        raise BadFolder(f"{source}/{layout.MANIFEST} does not list all of {', '.join(sorted(needed))}")
    for name, facts in files.items():
        if not _stays_inside(name):
            raise BadFolder(f"{layout.MANIFEST} names a file outside the folder: {name}")
        path = source / name
        if not path.is_file():
            raise BadFolder(f"{path} is missing")
        with path.open("rb") as handle:
            if hashlib.file_digest(handle, "sha256").hexdigest() != facts.get("sha256"):
                raise BadFolder(
                    f"{path} was changed after the export: its SHA-256 is not that of the manifest"
                )
    return manifest


def _stays_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts and "\\" not in name


def read_json(path: Path) -> FolderRow:
    """The object in a file of JSON. Raises BadFolder."""
    try:
        found = layout.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadFolder(f"{path} is missing; is this a folder made by export_study?") from None
    except (ValueError, RecursionError) as error:
        raise BadFolder(f"{path} is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadFolder(f"{path} does not hold an object")
    return found
