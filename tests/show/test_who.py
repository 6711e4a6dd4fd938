"""Who may do what, as text."""

from __future__ import annotations

from reconciler.show.who import CallerRow, TaskRow, WhoV1, who_text

LINE = "policies/permissions.yaml:{}".format


def task(name, allowed=(), denied=(), **way):
    fields = {"task": name, "from": None, "to": None, **way}
    rows = {
        "allowed": [CallerRow(user=u, line=LINE(n)) for u, n in allowed],
        "denied": [CallerRow(user=u, line=LINE(n)) for u, n in denied],
    }
    return TaskRow.model_validate(fields | rows)


def test_by_task_with_the_lines_that_decide():
    tasks = [
        task("promote-packages", [("ada", 7), ("grace", 8)], [("alan", 9)], **{"from": "public", "to": "approved"}),
        task("view-and-download", [("everyone", 10), ("ada", 7), ("alan", 10), ("grace", 10)]),
        task("manage-tokens"),
    ]
    who = WhoV1(feed="approved", commit="a" * 40, rules="b" * 40, tasks=tasks, not_in_force=["policies/permissions.yaml"])
    assert (
        "\n".join(who_text(who))
        == """\
policies/permissions.yaml as it reads now is not in force (`reconciler plan` says why): its lines are those of commit bbbbbbbbbbbb
promote-packages public -> approved
  ada       may     policies/permissions.yaml:7
  grace     may     policies/permissions.yaml:8
  alan      denied  policies/permissions.yaml:9
view-and-download
  everyone  may     policies/permissions.yaml:10
  ada       may     policies/permissions.yaml:7
manage-tokens
  nobody may"""
    )
