"""What the checks said of a target, kept so that the matrix can show it without reading the images again.

It is found again by the images, by what the rules look at beside them (`Setting`), and by the rules there are. The day
that it was asked for does not count: what depends on it, as the end of support, stands in nobody's way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bootworthy.checks import rule, run
from bootworthy.host import files
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.setting import Setting
from bootworthy.proofs.target import Target
from bootworthy.vocabulary import Finding, Severity, errors


class Checked:
    """Findings by the digests of the images, the setting, and the rules there are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, target: Target) -> tuple[Finding, ...]:
        """What every check says of a target, now.

        Raises:
            IntegrityError: an image is corrupt.
        """
        findings = run.run(target.subject)
        path = self._path(target.digests, target.setting)
        record = {
            "images": dict(target.digests), "at": target.at.isoformat() if target.at else None,
            "findings": [finding.as_json() for finding in findings],
        }  # fmt: skip
        files.write(path, canonical_json(record))
        return findings

    def passed(self, digests: Mapping[str, str], setting: Setting) -> bool:
        """Whether these images were checked for this setting, and nothing stands in the way."""
        try:
            found = json.loads(self._path(digests, setting).read_bytes())["findings"]
            return not errors(Finding(**{**each, "severity": Severity(each["severity"])}) for each in found)
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def _path(self, digests: Mapping[str, str], setting: Setting) -> Path:
        rules = sorted(each.id for family in rule.known().values() for each in family.rules)
        key = {"images": dict(digests), "setting": setting.as_json(), "rules": rules}
        return self._folder / f"{hashlib.sha256(canonical_json(key)).hexdigest()}.json"
