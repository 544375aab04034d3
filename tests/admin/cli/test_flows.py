"""`flask flows`."""

from tests.support.cli_app import Shell
from tests.support.paths import ROOT


def test_a_flow_is_checked_and_loaded_in_versions(shell: Shell) -> None:
    example = str(ROOT / "docs" / "examples" / "spring_replies.yaml")
    assert shell.data("flows", "load", example) == {"id": 1, "name": "spring_replies", "version": 1}
    assert shell.data("flows", "load", example)["version"] == 1
    assert "nothing wrong" in shell.ok("flows", "check", example)
    broken = shell.file("broken.yaml", "name: broken\nstart: nowhere\nnodes: {}\n")
    assert "broken.yaml" in shell.refused("flows", "check", broken)
    assert "broken.yaml" in shell.refused("flows", "load", broken)
