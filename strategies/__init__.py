"""How a space is explored. Importing it imports no NNI; running a search does.

Names are loaded when they are first used: NNI starts many short processes of this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from strategies.launch import resume, search
    from strategies.run_folder import RunFolder
    from strategies.settings import SearchSettings

_PLACES = {
    "RunFolder": "strategies.run_folder",
    "SearchSettings": "strategies.settings",
    "resume": "strategies.launch",
    "search": "strategies.launch",
}
__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value
