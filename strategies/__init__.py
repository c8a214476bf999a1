"""How a space is explored. Importing it imports no NNI; running a search does.

Names are loaded when they are first used: NNI starts many short processes of this package.
"""

from typing import TYPE_CHECKING

from search_space.lazy import loader

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
__getattr__ = loader(__name__, _PLACES)
