"""Two people at once: one draft, one template at Meta."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from admin.operations.templates.drafts import create_template, edit_template
from admin.operations.templates.submit import submit_template
from models.errors import OperatorError
from models.tables.template import Template
from models.tables.template_life import TemplateDraft
from tests.support.cli_app import Shell
from tests.support.template_files import template_json
from tests.support.templates import ANA, at_meta, row_of, write_coupon

pytestmark = pytest.mark.usefixtures("number_added")


def at_once(action: Callable[[], Any], times: int = 4) -> list[Any]:
    """The results of the same action by several people; refusals are results too."""

    def run(_: int) -> Any:
        try:
            return action()
        except OperatorError as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(run, range(times)))


def test_a_name_that_several_write_at_once_is_one_draft(shell: Shell) -> None:
    results = at_once(lambda: create_template(shell.rt, template_json("coupon"), ANA))
    assert {result.id for result in results} == {row_of(shell, "coupon", "en_US").id}


def test_an_edit_that_several_write_at_once_is_one(shell: Shell) -> None:
    definition = template_json("coupon") | {"name": "coupon_gift", "language": "en"}
    results = at_once(lambda: edit_template(shell.rt, "coupon_gift", "en", definition, ANA))
    assert {result.name for result in results} == {"coupon_gift"}
    with shell.rt.database.read() as session:
        assert session.scalar(select(func.count()).select_from(TemplateDraft)) == 1


def test_a_draft_that_several_submit_at_once_is_made_once(shell: Shell) -> None:
    write_coupon(shell)
    results = at_once(lambda: submit_template(shell.rt, "coupon", "en_US", ANA))
    done = [result for result in results if not isinstance(result, OperatorError)]
    assert len(done) == 1
    assert all(
        "submitted" in str(error) or "nothing is written" in str(error) for error in results if error not in done
    )
    with shell.rt.database.read() as session:
        rows = session.scalars(select(Template).where(Template.name == "coupon")).all()
    assert [row.meta_id for row in rows] == [at_meta(shell, "coupon", "en_US").id]
