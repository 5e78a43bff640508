"""The dashboard and the alerts speak of metrics that exist, by labels that they have; no metric is left off the dashboard."""

import json
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from prometheus_client import REGISTRY

from booking_api import metrics, supervision
from booking_api.self_report import ACT_NAMES
from booking_api.settings import Settings

ROOT = Path(__file__).parents[2] / "deploy"
SUFFIXES = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
# What Prometheus adds, and what the several processes' gauges are told apart by.
ADDED = {"instance", "job", "le", "pid"}


def exposed() -> dict[str, set[str]]:
    """Each of our families, with the names its samples have and its labels."""
    workers = [each for each in vars(metrics).values() if hasattr(each, "_labelnames")]
    found = {each._name: (each._type, set(each._labelnames)) for each in workers}
    for family in supervision.no_figures():
        found[family.name] = (family.type, set(family._labelnames))
    return {f"{name}{suffix}": labels for name, (kind, labels) in found.items() for suffix in SUFFIXES[kind]}


def panels() -> list[dict]:
    return json.loads((ROOT / "grafana" / "gongdao.json").read_text())["panels"]


def dashboard() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", [])]


def alerts() -> list[dict]:
    groups = yaml.safe_load((ROOT / "prometheus" / "gongdao.rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\bgongdao_[a-z_]+", expression))


def labels_in(expression: str) -> set[str]:
    grouped = re.findall(r"\b(?:by|on) \(([a-z_, ]+)\)", expression)
    matched = re.findall(r"[{,] ?([a-z_]+)(?:=~|!=|=)", expression)
    return {name.strip() for group in grouped for name in group.split(",")} | set(matched)


def base(sample: str) -> str:
    return re.sub(r"_(total|bucket|sum|count)$", "", sample)


@pytest.mark.parametrize("expression", [*dashboard(), *(rule["expr"] for rule in alerts())])
def test_what_is_asked_for_exists(expression):
    known = exposed()
    names = names_in(expression)
    assert names <= known.keys() or (not names and "up{" in expression)
    labels = set().union(*(known[name] for name in names)) | ADDED
    assert labels_in(expression) <= labels
    acts = {act for group in re.findall(r'act=~?"([^"]*)"', expression) for act in group.split("|")}
    assert acts <= set(ACT_NAMES)


def test_a_name_or_a_label_that_does_not_exist_would_be_seen():
    assert not names_in("rate(gongdao_nothing_total[1m])") <= exposed().keys()
    assert labels_in('sum by (pool, wrong) (gongdao_x{bad="1", worse=~"2"})') == {
        "pool",
        "wrong",
        "bad",
        "worse",
    }


def test_every_metric_is_on_the_dashboard():
    shown = {base(name) for expression in dashboard() for name in names_in(expression)}
    assert {base(name) for name in exposed()} == shown


def test_every_act_is_on_the_dashboard():
    shown = {
        act
        for expr in dashboard()
        for group in re.findall(r'act=~"([^"]*)"', expr)
        for act in group.split("|")
    }
    assert shown == set(ACT_NAMES)


def test_every_metric_of_ours_is_one_of_those_declared_in_one_place():
    registered = {name for name in REGISTRY._names_to_collectors if name.startswith("gongdao_")}
    declared = {base(name) for name in exposed()}
    assert {base(name) for name in registered if not name.endswith("_created")} <= declared


def test_panels_are_grouped_and_do_not_overlap():
    rows = [panel["title"] for panel in panels() if panel["type"] == "row"]
    assert rows == ["Rush", "Refusals", "Latency", "Stores and workers", "Jobs"]
    cells = [
        (x, y)
        for panel in panels()
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_every_alert_says_how_urgent_it_is_and_what_it_means():
    for rule in alerts():
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["summary"]
    assert len({rule["alert"] for rule in alerts()}) == len(alerts())


def test_prometheus_looks_where_the_platform_listens_and_reads_the_alerts():
    told = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text())
    [job] = told["scrape_configs"]
    [target] = job["static_configs"][0]["targets"]
    assert urlsplit(f"//{target}").port == Settings().metrics_port
    assert f'job="{job["job_name"]}"' in alerts()[0]["expr"]
    assert all((ROOT / "prometheus" / name).exists() for name in told["rule_files"])
