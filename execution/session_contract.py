"""A search as it runs, from its settings to its outcome, as one object: what both kinds of search share."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any

from execution.platforms.contract import Platform, make_platform
from execution.portal.address import Portal, portal_of
from execution.settings import PLACES, SearchSettings
from records.errors import UserError
from records.run_files.run_folder import OUTCOME, RunFolder, new_folder
from records.run_files.settings_file import SETTINGS, what_is_left
from records.signals import stop_names, termination_as_interrupt
from records.text import stem_of
from search_space import get_space
from search_space.exact_costs import require_exact_costs
from search_space.problem import Problem
from training.data.datasets import DatasetInfo
from training.data.prepare import PreparedData
from training.trial_settings import TrialSettings

Conclude = Callable[[Path], object]
_AT_WORK = threading.RLock()
NOT_KEPT = ("port", "host", "portal", "run_dir")  # settings that a resume does not write down


@contextmanager
def _alone() -> Iterator[None]:
    """Raises `UserError` while another thread of this process searches: NNI's client and the environment of what it starts
    are the process's."""
    if not _AT_WORK.acquire(blocking=False):
        raise UserError(
            "another thread of this process is at work on a search; accepted: one search at a time in a process"
        )
    try:
        yield
    finally:
        _AT_WORK.release()


class Session(ABC):
    """One search as it runs. It owns the run folder, the platform, what is known of the data, and the portal.

    ``run`` is the folder of a search that is gone on with; a new one has it once it has begun. ``conclude`` is
    called on the folder at the end, while the portal may still show the search: what is drawn there is not this
    room's business. Everything raises `UserError` for a user's mistake.
    """

    def __init__(
        self, settings: SearchSettings, run: RunFolder | None = None, conclude: Conclude = lambda run: None
    ) -> None:
        self.settings, self.conclude = settings, conclude
        self.pages: str | None = None  # the module of our own pages in the portal, see `Portal`
        self.given: Any = None  # a strategy of NNI's, as an object
        self._run = run

    @property
    def run(self) -> RunFolder:
        assert self._run is not None  # the search has begun
        return self._run

    @cached_property
    def platform(self) -> Platform:
        return make_platform(self.settings)

    @cached_property
    def data(self) -> PreparedData:
        """The data set, fetched if it is missing, with the facts that were found when the run began.

        Raises `UserError` for data that are damaged, too few, or others than the run's.
        """
        kept = None if self._run is None else self._run.resolved().get("dataset")
        known = None
        if kept is not None:
            try:
                known = DatasetInfo.from_json(kept)
            except UserError as error:
                raise UserError(
                    f"resolved.dataset in {self.run.path / SETTINGS} is damaged: {error}; where it is left out, it is found "
                    "anew"
                ) from error
        return self.platform.prepared_data(known)

    @cached_property
    def problem(self) -> Problem:
        info = self.data.info
        return Problem(self.settings.space, self.settings.space_settings(), info.image, info.classes)

    @cached_property
    def trial(self) -> TrialSettings:
        """How each candidate is judged, on data that need not be looked at again."""
        return self.settings.trial_settings().knowing(self.data.info)

    def resolved(self) -> dict[str, Any]:
        """What is used where the settings leave a value open: the other half of a run's ``settings.json``.

        By name: what is known of the data (see `PreparedData.to_json`), ``space`` (all its settings), ``recipe`` (of
        each candidate's training; it mirrors images where the data set's may be), ``confirm`` and ``confirm_epochs``, ``device`` and ``threads`` (of a trial; left out
        where other machines decide).
        """
        space, confirmed = get_space(self.settings.space), self.settings.confirmations()
        recipe = self.trial.make_recipe().to_json()
        used: dict[str, Any] = {
            **self.data.to_json(),
            "space": space.settings_json(space.make_settings(self.settings.space_settings())),
            "recipe": recipe | {"flip": recipe["flip"] and self.data.info.flip},
            "confirm": confirmed["points"],
            "confirm_epochs": confirmed["epochs"],
        }
        return used | self.means()

    def means(self) -> dict[str, Any]:
        """With what it runs on this machine: ``device`` and ``threads``."""
        trial = self.settings.trial_settings()
        return {"device": trial.device, "threads": trial.threads} if self.settings.platform == "local" else {}

    def check(self) -> None:
        """Raises `UserError` for data and a device that are missing, for too few images, for a budget that nothing
        meets and for a primitive with another cost than it states, before there is a run folder."""
        self.check_device()
        space = get_space(self.settings.space)
        require_exact_costs(getattr(space.make_settings(self.settings.space_settings()), "primitives", ()))
        self.check_images()

    def check_device(self) -> None:
        if self.settings.platform == "local":
            from training.device import require_device

            require_device(self.settings.real_device())

    @abstractmethod
    def check_images(self) -> None:
        """Raises `UserError` for too few images and for a budget that nothing meets."""

    def begin(self) -> Path:
        """Runs the search in a new run folder, whose path is returned."""
        self.check()
        resolved = self.resolved()
        # Not where it lies: a folder may be moved, and be mailed.
        asked = {name: value for name, value in self.settings.to_json().items() if name != "run_dir"}
        with _alone(), self._open_portal() as portal:
            path = self.settings.run_dir or new_folder(default_run_dir(self.settings))
            self._run = RunFolder.create(path, asked, resolved)
            print(f"Run folder: {self.run.path}", flush=True)
            self._proceed(nullcontext(portal), resume=False)
        return self.run.path

    def go_on(self, given: dict[str, Any]) -> None:
        """Goes on with the run, or concludes it where every candidate is measured; ``given`` are settings that were
        named again, which are kept for the next time."""
        if self.all_measured():
            with stop_names(self.run.path), self.run.lock(), termination_as_interrupt():
                if self.left_to_confirm():
                    self.settings.require_places()
                    self.require_data()
                if given.keys() - set(NOT_KEPT):
                    self._keep(given)
                self.end()
            return
        self.settings.require_places()
        self.check_device()
        with self.run.lock():
            self.check_kept()  # what is refused changes nothing
            self._keep(given)
        with _alone():
            self._proceed(self._open_portal(), resume=True)

    def all_measured(self) -> bool:
        """Whether as many candidates are measured as were asked for."""
        return len(self.run.measurements()) >= self.settings.trials

    def check_kept(self) -> None:
        """Raises `UserError` where the data, or what the run's folder holds to go on from, cannot be read."""
        self.require_data()

    def require_data(self) -> None:
        _ = self.data

    def _open_portal(self) -> AbstractContextManager[Portal | None]:
        """The search's portal, its ports kept for it from here on; None if it is off."""
        return nullcontext(None) if self.settings.portal == "off" else portal_of(self.settings, self.pages)

    def _proceed(self, opening: AbstractContextManager[Portal | None], *, resume: bool) -> None:
        with stop_names(self.run.path), self.run.lock(), termination_as_interrupt(), opening as portal:
            self.run.path.joinpath(OUTCOME).unlink(missing_ok=True)
            with self._telling_what_is_left():
                self.explore(portal, resume=resume)

    def end(self) -> None:
        """Confirms the front, where that is not done, and concludes the search."""
        self.confirm()
        with self._telling_what_is_left():
            self.conclude(self.run.path)

    def left_to_confirm(self) -> bool:
        """Whether points of the front are to be trained again."""
        from execution.confirm import left_to_confirm

        asked = self.settings.confirmations()
        del asked["at_once"]
        return bool(left_to_confirm(self.run, seed=self.settings.seed, **asked).left)

    def confirm(self) -> None:
        """Trains points of the front again. An error says what is kept, and what goes on."""
        from execution.confirm import confirm

        with self._telling_what_is_left(always=True):
            if self.left_to_confirm():
                confirm(self.run, self.trial, **self.settings.confirmations())

    @contextmanager
    def _telling_what_is_left(self, *, always: bool = False) -> Iterator[None]:
        """An error of the disk, or ``always`` any, also says what is kept, and what goes on."""
        try:
            yield
        except UserError as error:
            left = what_is_left(self.run.path)
            if left in str(error) or not (always or isinstance(error.__cause__, OSError)):
                raise
            raise UserError(f"{error}; {left}") from error.__cause__

    @abstractmethod
    def explore(self, portal: Portal | None, *, resume: bool) -> None:
        """Runs what is left of the search, shown in ``portal``, and concludes it. Raises `KeyboardInterrupt` once
        everything has been stopped in order."""

    def _keep(self, given: dict[str, Any]) -> None:
        """Writes down what a resume is given, and with what means it goes on."""
        named = {name for name in (*given, *PLACES) if name not in NOT_KEPT}
        asked = self.run.settings() | {
            name: value for name, value in self.settings.to_json().items() if name in named
        }
        used = self.run.resolved()
        confirmed = self.settings.confirmations()
        now = self.means() | {"confirm": confirmed["points"], "confirm_epochs": confirmed["epochs"]}
        means = {name: value for name, value in now.items() if name in used}
        self.run.revise(asked, used | means)


def default_run_dir(settings: SearchSettings) -> Path:
    """``runs/<time>-<data set>-<strategy>`` below the working folder."""
    from datetime import datetime

    now = datetime.now().strftime("%Y%m%d-%H%M%S")
    return Path("runs", f"{now}-{stem_of(settings.dataset)}-{settings.strategy}")
