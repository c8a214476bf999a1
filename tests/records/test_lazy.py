"""Names that are loaded when they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import execution
import search_space


@pytest.mark.parametrize("package", [search_space, execution])
def test_every_name_is_there_and_no_other(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        package.nothing  # noqa: B018


def test_a_row_of_the_portal_starts_without_torch():
    program = "import sys, execution.portal.follow_trial, execution.portal.hub_trial; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
