"""Fails when docs/runbook.md forgets a fault or an alert, or has a section for none.

A fault of model/fault.cpp has a section under its own name, an alert that tells no fault one under
its own; the alert's runbook_url ends in that heading. A section begins with its alert, how soon
that is told, and the fault's title; then it says symptom, cause and steps.
Usage: runbook_doc.py ROOT
"""

import pathlib
import re
import sys

import yaml

URL = "file:///usr/share/doc/esshub/docs/runbook.md#"
FAULT = re.compile(r'\{Fault::(\w+), Severity::\w+, "([^"]+)",')
HOW_SOON = {"page": "now", "ticket": "one mail a day", "info": "for the board only"}
PARTS = ("**Symptom.** ", "**Cause.** ", "**Steps.**\n1. ")


def sections_of(document):
    """[(heading, text)] of the headings of the second level."""
    parts = re.split(r"^## (.+)\n", document, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2]))


def heading_of(alert):
    """The first fault that it asks for; else its own name."""
    told = re.search(r'fault="(\w+)"', alert["expr"].split("unless")[0])
    return told[1] if told else alert["alert"]


def errors_of(faults, alerts, sections):
    headings = [heading for heading, _ in sections]
    text_of = dict(sections)
    alert_of = {}
    for alert in alerts:
        heading = heading_of(alert)
        alert_of[heading] = alert
        url = alert["annotations"].get("runbook_url", "none")
        if url != URL + heading.lower():
            yield f"{alert['alert']}: its runbook_url is {url}, expected {URL}{heading.lower()}"
    for heading in sorted({*faults, *alert_of}):
        if heading not in text_of:
            yield f"{heading} has no section"
    for heading in text_of:
        if headings.count(heading) > 1:
            yield f"{heading} has two sections"
        if heading not in faults and heading not in alert_of:
            yield f"{heading} is neither a fault nor an alert"
            continue
        text, alert = text_of[heading], alert_of.get(heading)
        if alert is None:
            yield f"{heading} has no alert"
            continue
        how_soon = HOW_SOON[alert["labels"]["severity"]]
        if heading == "Watchdog":
            how_soon = "always firing"
        begin = f"\nAlert `{alert['alert']}`, {how_soon}: {faults.get(heading, '')}"
        if not text.startswith(begin):
            yield f"{heading} does not begin with: {begin.strip()}"
        for part in PARTS:
            if text.count("\n" + part) != 1:
                yield f"{heading} has no {part.split('.')[0].strip('*')}"


def main():
    root = pathlib.Path(sys.argv[1])
    faults = dict(FAULT.findall((root / "model" / "fault.cpp").read_text("utf-8")))
    rules = yaml.safe_load(
        (root / "deploy" / "prometheus" / "rules" / "alerts.yml").read_text("utf-8")
    )
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    sections = sections_of((root / "docs" / "runbook.md").read_text("utf-8"))
    errors = list(errors_of(faults, alerts, sections))
    print("\n".join(errors))
    print(
        f"{len(faults)} faults, {len(alerts)} alerts, {len(sections)} sections, {len(errors)} wrong"
    )
    return 1 if errors or not faults or not alerts else 0


if __name__ == "__main__":
    sys.exit(main())
