"""A multi-trial search as it runs: each candidate is a trial of an NNI experiment."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from execution.multi_trial.earlier import earlier_results, genotypes_of
from execution.multi_trial.faults import faults_named
from execution.platforms.contract import serving
from execution.portal.address import Portal
from execution.progress import Progress
from execution.session_contract import Session
from execution.trials.last_words import last_words
from records.errors import UserError
from records.files import write_errors
from records.interface.terminal import tell
from records.measurement import Measurement
from records.run_files.run_folder import CANDIDATES, EARLIER, NNI, NNI_LOG
from records.signals import uninterrupted
from records.text import command_text
from search_space import Genotype, get_space
from strategies.contract import MultiTrialStrategy
from strategies.multi_trial.random_search import RandomSearch
from strategies.registry import get_strategy
from strategies.screening.screened import Screen, Screened
from strategies.workplace import Workplace
from training.fit import require_trainable

if TYPE_CHECKING:
    from execution.multi_trial.candidate_loop import CandidateLoop
    from execution.nni_bridge.experiment import SearchExperiment
    from execution.nni_bridge.portal_limits import Limits
    from execution.nni_bridge.server_start import Start


class MultiTrialSession(Session):
    """See `Session`. To the loop over candidates (`execution.multi_trial.candidate_loop`) it is the owner that is asked for
    limits and told what became of each."""

    experiment: SearchExperiment

    @cached_property
    def strategy(self) -> MultiTrialStrategy:
        """The settings' strategy, which says what to try next."""
        strategy = get_strategy(self.settings.strategy)
        assert issubclass(strategy, MultiTrialStrategy)  # `session_of` chose by it
        settings = self.settings
        made = strategy(
            self.problem,
            settings.seed,
            settings.own,
            max_macs=settings.max_macs,
            max_params=settings.max_params,
            epochs=settings.trial_settings().make_recipe().epochs,
        )
        made.take(self.given)
        made.start_from(self.earlier)
        if not settings.screen:
            return made
        return Screened(
            made, Screen(settings.screen, settings.screen_score, settings.screen_bins, settings.screen_chosen)
        )

    @cached_property
    def earlier(self) -> list[Measurement]:
        """What the strategy is shown of an earlier run. Raises `UserError`, see `earlier_results`."""
        kept = None if self._run is None else self._run.earlier()
        if kept is not None:
            genotypes_of(kept, self.run.path / EARLIER)  # says so if one is damaged
            return kept
        if self.settings.start_from is None:
            return []
        return earlier_results(self.settings.start_from, self.problem)

    def check_images(self) -> None:
        first = self.strategy.example() if self.given is None else self._by_chance()
        del self.strategy  # that one has proposed
        recipe = self.settings.trial_settings().make_recipe()
        require_trainable(first.build, first.image, recipe.batch_size)

    def _by_chance(self) -> Genotype:
        """A candidate within the budget, for a user's object that may be asked once only."""
        asked = self.strategy
        limits = dataclasses.asdict(asked.budget)
        return RandomSearch(self.problem, asked.seed, **limits).propose(0, [])

    def check_kept(self) -> None:
        super().check_kept()
        genotypes_of(self.run.measurements(), self.run.path / CANDIDATES)
        self.run.proposed()
        self.strategy.check_kept(self.run.path)

    def explore(self, portal: Portal | None, *, resume: bool) -> None:
        assert portal is not None  # the settings' own check
        if self.settings.start_from is not None and self.run.earlier() is None:
            self.run.keep_earlier(self.earlier)
        with write_errors(self.run.path):
            self.run.path.joinpath("nni").mkdir(exist_ok=True)
        print("Starting NNI (some seconds)", flush=True)
        with serving(self.platform, portal.port):  # what trials are forked from imports its modules meanwhile
            from execution.nni_bridge.portal_limits import search_edits
            from execution.nni_bridge.quiet_nni import nni_log_to
            from execution.nni_bridge.server_start import portal_environment

            edits = search_edits(self.platform.most_trials())
            with (
                nni_log_to(self.run.path / NNI_LOG),
                portal_environment(edits, portal.pages_start(self.run.path)) as start,
            ):
                self._run_experiment(portal, resume, start)
        self.end()

    def _run_experiment(self, portal: Portal, resume: bool, start: Start) -> None:
        from nni.experiment import RunMode

        from execution.multi_trial.candidate_loop import CandidateLoop
        from execution.nni_bridge.candidates import CandidateModel
        from execution.nni_bridge.experiment import make_experiment
        from execution.nni_bridge.orphans import kill_orphans
        from execution.nni_bridge.portal_limits import PortalLimits
        from execution.nni_bridge.server_end import answering
        from execution.nni_bridge.server_watch import ServerWatch

        self.known = self.run.measurements()
        self.progress: Progress | None = None
        self._limits = PortalLimits(portal.server_port, self.settings.trials, self.settings.concurrency)
        loop = CandidateLoop(self.strategy, self.trial, self, known=self.known, seen=self.run.proposed())
        model = CandidateModel(self._decisions())
        self.experiment = make_experiment(self.settings, self.platform, self.run, model, loop, resume)
        self._watch = ServerWatch(self.experiment, self.run)
        self.portal = portal
        kill_orphans(self.experiment.id, self.run.path / "nni")
        if resume:
            self.platform.clean(self.experiment.id)
        self.run.write(NNI, portal.record(self.experiment.id))
        try:
            self.experiment.on_started = self.on_started
            # Detached, so that its output goes to a file; it is stopped below.
            with answering(self.run, lambda: start.server):
                self.experiment.start(portal.server_port, run_mode=RunMode.Detach)
            self._tell_end(loop)
            self.confirm()  # while the portal is there to show it
        finally:
            self._close_progress()
            with uninterrupted():
                self.experiment.stop()
                kill_orphans(self.experiment.id, self.run.path / "nni")
                self.platform.clean(self.experiment.id, forget=True)

    def _tell_end(self, loop: CandidateLoop) -> None:
        """Says why there are fewer candidates than were wanted, where there are."""
        self._close_progress()
        if loop.exhausted and not loop.results:
            raise UserError(f"no candidate was measured: {loop.exhausted}")
        if loop.ended is not None:
            on = f"; {command_text('resume', self.run.path)} goes on to {self.settings.trials}"
            tell(loop.ended + ("" if loop.exhausted else on))

    def _close_progress(self) -> None:
        if self.progress is not None:
            self.progress.close()

    def _decisions(self) -> dict[str, tuple]:
        """What there is to decide, as NNI's page shows the search space."""
        decisions = get_space(self.problem.space).decisions(self.problem)
        return {decision.label: decision.options for decision in decisions}

    def on_started(self) -> None:
        """The portal is up, and no candidate has begun."""
        print(f"Portal: {self.portal.address}", flush=True)

    def prepare(self) -> None:
        """Does what the strategy does before its first candidate; the portal is up, and shows how far it is."""
        with faults_named(self.strategy):
            self.strategy.prepare(Workplace(self.run.path, self.trial, self.settings.trials, progress=True))
        self.progress = Progress(self.settings.trials, self.known)

    def limits(self) -> Limits:
        """What the portal's user allows at present."""
        return self._limits()

    def check_server(self) -> None:
        """Raises `UserError` if NNI's server is of no use any more."""
        self._watch()

    def checkpoint(self, index: int) -> Path:
        """Where the training of a candidate that is trained in stages is kept."""
        return self.run.path / "checkpoints" / f"candidate-{index}.pt"

    def on_proposed(self, index: int, seen: int) -> None:
        """A candidate is submitted for the first time, proposed from ``seen`` results."""
        self.run.note_proposed(index, seen)

    def on_measurement(self, measurement: Measurement) -> None:
        """A candidate is measured."""
        if measurement.status != "failed" and measurement.trial is not None:  # last_words has fetched those
            self._fetch(measurement.trial)
        self.run.append(measurement)
        if self.progress is not None:
            self.progress.add(measurement, self.limits().trials)

    def last_words(self, trial: str) -> str:
        """What a trial, by NNI's id, said at its end; empty if nothing."""
        return last_words(self._fetch(trial), trial)

    def _fetch(self, trial: str):
        """The experiment's folder, in which the trial's files now are."""
        folder = self.run.path / "nni" / self.experiment.id
        self.platform.fetch(folder, trial)
        return folder
