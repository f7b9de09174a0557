"""Reads the Grafana boards for the tests: their panels, queries and metric names."""
import json
import os
import re

FOLDER = os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "..", "deploy", "grafana", "dashboards"
)
DATA_SOURCE = "esshub-prometheus"

# What Grafana puts in before it asks.
VARIABLES = {"$__rate_interval": "1m", "$__range": "1h", "$site": "home"}


def load_all():
    """{file name: board}"""
    found = {}
    for name in sorted(os.listdir(FOLDER)):
        with open(os.path.join(FOLDER, name)) as f:
            found[name] = json.load(f)
    return found


def panels(board):
    """Every panel, also those inside collapsed rows."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries():
    """[("Board: panel", expression)] as written."""
    return [
        (f'{board["title"]}: {panel["title"]}', target["expr"])
        for board in load_all().values()
        for panel in panels(board)
        for target in panel.get("targets", [])
    ]


def plain(expr, **values):
    """The expression as Prometheus gets it; values by name, e.g. site="home"."""
    for variable, value in VARIABLES.items():
        expr = expr.replace(variable, values.get(variable.strip("$"), value))
    return expr


def metrics(expr):
    """The metric names in an expression."""
    return set(
        re.findall(r"\b(esshub[_:][\w:]+|up|ALERTS)\b(?![\"=~!])", re.sub(r'"[^"]*"', '""', expr))
    )
