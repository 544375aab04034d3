"""What holds for every command."""

from tests.support.cli_app import Shell


def test_files_that_are_not_there_or_no_text_are_one_line(shell: Shell) -> None:
    for command in (("contacts", "import"), ("flows", "load"), ("segments", "load"), ("campaigns", "create")):
        assert "nowhere" in shell.refused(*command, "/nowhere")
    binary = shell.directory / "binary"
    binary.write_bytes(b"\xff\xfe\x00\x80" * 10)
    for command in (("contacts", "import"), ("flows", "load"), ("segments", "load"), ("campaigns", "create")):
        shell.refused(*command, str(binary))


def test_wrong_usage_is_one_line_and_exits_2(shell: Shell) -> None:
    assert "users add" in shell.refused("users", "add", code=2)
    assert "--colour" in shell.refused("campaigns", "list", "--colour", code=2)
    assert "dance" in shell.refused("campaigns", "dance", code=2)
    assert "seven" in shell.refused("campaigns", "start", "seven", code=2)
