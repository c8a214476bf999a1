"""One search as it runs: the session, NNI's experiment, the portal, the machines.

Importing it imports no NNI; running a search does. Names are loaded when they are first used: NNI starts many
short processes of this package.
"""

from typing import TYPE_CHECKING

from records.lazy import loader

if TYPE_CHECKING:
    from execution.session import resume, search
    from execution.settings import SearchSettings

_PLACES = {
    "SearchSettings": "execution.settings",
    "resume": "execution.session",
    "search": "execution.session",
}
__all__ = list(_PLACES)
__getattr__ = loader(__name__, _PLACES)
