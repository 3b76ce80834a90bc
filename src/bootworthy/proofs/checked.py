"""What the checks said of a target, kept so that the matrix can show it without reading the images again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from bootworthy.checks import rule, run
from bootworthy.host import files
from bootworthy.machines.facts import MachineFacts
from bootworthy.oci.canonical import canonical_json
from bootworthy.proofs.target import Target
from bootworthy.vocabulary import Architecture, Finding, Severity, errors


class Checked:
    """Findings by the digests of the images, the machine, and the rules there are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def check(self, target: Target) -> tuple[Finding, ...]:
        """What every check says of a target, now.

        Raises:
            IntegrityError: an image is corrupt.
        """
        findings = run.run(target.subject)
        path = self._path(target.digests, target.facts, target.architecture)
        record = {"images": dict(target.digests), "findings": [finding.as_json() for finding in findings]}
        files.write(path, canonical_json(record))
        return findings

    def passed(self, digests: Mapping[str, str], facts: MachineFacts, architecture: Architecture) -> bool:
        """Whether these images were checked for this machine, and nothing stands in the way."""
        try:
            found = json.loads(self._path(digests, facts, architecture).read_bytes())["findings"]
            return not errors(Finding(**{**each, "severity": Severity(each["severity"])}) for each in found)
        except (OSError, ValueError, TypeError, KeyError):
            return False

    def _path(self, digests: Mapping[str, str], facts: MachineFacts, architecture: Architecture) -> Path:
        rules = sorted(each.id for family in rule.known().values() for each in family.rules)
        key = {"images": dict(digests), "vmm": facts.vmm, "architecture": architecture.value, "rules": rules}
        return self._folder / f"{hashlib.sha256(canonical_json(key)).hexdigest()}.json"
