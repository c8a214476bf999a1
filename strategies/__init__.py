"""How a space is explored. Importing it imports no NNI; running a search does."""

from strategies.launch import resume, search
from strategies.run_folder import RunFolder
from strategies.settings import SearchSettings

__all__ = ["RunFolder", "SearchSettings", "resume", "search"]
