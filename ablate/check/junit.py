"""The gate as a JUnit file, which CI systems show as tests: one test case an arm and metric."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from ablate.check.finding import Finding, GateOutcome
from ablate.check.gate import GateResult
from ablate.check.wording import sentence

KINDS = {
    GateOutcome.regressed: "failure",
    GateOutcome.missing: "error",
    GateOutcome.not_comparable: "error",
    GateOutcome.inconclusive: "skipped",
}
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped (section 2.2)."""


def junit(result: GateResult, strict: bool) -> bytes:
    """Returns the file: regressed is a failure, missing and not comparable are errors, inconclusive is skipped.

    What keeps the gate shut beyond that (an improvement in an exact repetition, doubt under `strict`) fails, too.
    """
    kinds = [_kind(each, strict) for each in result.findings]
    counts = {
        "tests": str(len(kinds)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
    }
    root = ElementTree.Element("testsuites", {"name": "ablate check", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(result.grid), **counts})
    for finding, kind in zip(result.findings, kinds, strict=True):
        names = {"classname": _clean(f"{result.grid}.{finding.arm}"), "name": finding.metric, "time": "0"}
        case = ElementTree.SubElement(suite, "testcase", names)
        said = _clean(sentence(finding))
        if kind:
            ElementTree.SubElement(case, kind, {"message": said, "type": finding.outcome.value})
        else:
            ElementTree.SubElement(case, "system-out").text = said
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _kind(finding: Finding, strict: bool) -> str | None:
    kind = KINDS.get(finding.outcome)
    return "failure" if finding.fails(strict) and kind != "error" else kind


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)
