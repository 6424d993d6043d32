"""Where the project is, and its template: for the other scripts of this folder."""

import pathlib

from samtranslator.yaml_helper import yaml_parse

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read_template():
    """Answers template.yaml as SAM reads it, its short forms of functions (!Ref) spelt out."""
    return yaml_parse((ROOT / "template.yaml").read_text())
