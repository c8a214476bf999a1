"""What stands around an experiment: ports, progress, signals, what a resume may change."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import threading
import time

import numpy as np
import pytest

from execution import session
from execution.multi_trial.session import MultiTrialSession
from execution.one_shot.session import OneShotSession
from execution.session import Session, session_of
from execution.settings import SearchSettings
from records.errors import UserError
from records.files import write_errors
from records.measurement import Measurement
from records.run_files.run_folder import RunFolder
from records.signals import interrupts_wait, termination_as_interrupt, uninterrupted
from strategies.budget import Budget
from strategies.multi_trial.evolution import Evolution
from strategies.multi_trial.random_search import RandomSearch
from training.data.arrays import save_arrays
from training.data.lookup import dataset_info
from training.trial_settings import TrialSettings


def measured(index: int, accuracy: float | None) -> Measurement:
    return Measurement(
        index=index, genotype={}, status="failed" if accuracy is None else "ok", accuracy=accuracy, macs=1,
        macs_published=1, params=1, seconds=1.0, seed=0, error=None if accuracy is not None else "it fell",
    )  # fmt: skip


def test_the_strategys_name_and_options_make_it():
    settings = SearchSettings(
        strategy="evolution", population=5, tournament=2, mac_penalty=0.5, max_macs=10**6, seed=9
    )
    made = session_of(settings)
    assert (made.problem.image, made.problem.classes) == ((1, 8, 8), 10)
    evolution = made.strategy
    assert isinstance(evolution, Evolution)
    own = evolution.settings
    assert (own.population, own.tournament, own.mac_penalty) == (5, 2, 0.5)
    assert (evolution.seed, evolution.budget) == (9, Budget(10**6))
    assert isinstance(session_of(SearchSettings(strategy="random")).strategy, RandomSearch)


def test_termination_is_an_interrupt_for_a_while():
    before = signal.getsignal(signal.SIGTERM)

    def terminate():
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    with pytest.raises(KeyboardInterrupt), termination_as_interrupt():
        terminate()
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_during_a_fork_comes_after_it(number):
    """Python drops what a signal raises in a step around a fork."""
    before, done = signal.signal(number, signal.default_int_handler), []

    def fork():
        with interrupts_wait():
            os.kill(os.getpid(), number)
            time.sleep(0.1)
            done.append("forked")

    try:
        with pytest.raises(KeyboardInterrupt):
            fork()
        assert (done, signal.getsignal(number)) == (["forked"], signal.default_int_handler)
    finally:
        signal.signal(number, before)


def test_a_search_that_is_stopped_while_its_report_is_drawn_ends_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(MultiTrialSession, "_run_experiment", lambda *_: None)
    run = RunFolder.create(tmp_path / "run", SearchSettings().to_json())

    def conclude(_):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    handler = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("the program would have died"))
    try:
        with pytest.raises(KeyboardInterrupt):
            MultiTrialSession(SearchSettings(port=0), run, conclude).go_on({})
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert run.owner() is None


def test_a_report_that_does_not_fit_the_disk_is_told_with_what_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(MultiTrialSession, "_run_experiment", lambda *_: None)
    run = RunFolder.create(tmp_path / "run", SearchSettings(confirm=0).to_json())

    def conclude(path):
        with write_errors(path / "report.html"):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        UserError, match=r"report.html: No space left .*; what was measured is kept, and .*resume .* goes on$"
    ):
        MultiTrialSession(SearchSettings(port=0, confirm=0), run, conclude).end()

    def damaged(path):
        raise UserError("damaged")

    with pytest.raises(UserError, match="^damaged$"):
        MultiTrialSession(SearchSettings(port=0, confirm=0), run, damaged).end()


def test_a_supernet_that_does_not_fit_the_disk_is_told_with_what_goes_on(tmp_path, monkeypatch):
    def train(session):
        with write_errors(session.run.path / "supernet.pt"):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(OneShotSession, "train", train)
    run = RunFolder.create(tmp_path / "run", SearchSettings(strategy="darts", portal="off").to_json())
    settings = SearchSettings(strategy="darts", portal="off", run_dir=run.path)
    with pytest.raises(
        UserError, match=r"supernet.pt: No space .*; what was measured is kept, and .* goes on$"
    ):
        OneShotSession(settings, run, lambda _: None).go_on({})


def test_two_threads_do_not_search_at_once(tmp_path, monkeypatch):
    run = RunFolder.create(tmp_path / "run", SearchSettings().to_json())
    first = MultiTrialSession(SearchSettings(port=0), run, lambda _: None)
    began, ends = threading.Event(), threading.Event()

    def proceed(*_, **__):
        began.set()
        ends.wait(30)

    monkeypatch.setattr(MultiTrialSession, "_proceed", proceed)
    thread = threading.Thread(target=first.go_on, args=({},))
    thread.start()
    try:
        assert began.wait(30)
        other = SearchSettings(port=0, run_dir=tmp_path / "other")
        with pytest.raises(
            UserError, match="another thread of this process is at work on a search; accepted: one"
        ):
            MultiTrialSession(other, None, lambda _: None).begin()
        assert not (tmp_path / "other").exists()
    finally:
        ends.set()
        thread.join()


def test_a_shutdown_is_not_cut_short_by_further_signals():
    before = signal.getsignal(signal.SIGINT)
    with termination_as_interrupt():
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGTERM)
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
        after = signal.getsignal(signal.SIGTERM)
        assert callable(after)
        with pytest.raises(KeyboardInterrupt):
            after(signal.SIGTERM, None)
    assert signal.getsignal(signal.SIGINT) == before


@pytest.fixture
def proceeded(monkeypatch):
    calls = []
    monkeypatch.setattr(
        Session, "_proceed", lambda self, opening, *, resume: calls.append((self.settings, resume))
    )
    monkeypatch.setattr(Session, "require_data", lambda self: None)
    # of these runs there is no data to make a strategy for
    monkeypatch.setattr(MultiTrialSession, "check_kept", Session.check_kept)
    return calls


def test_a_resume_keeps_the_runs_settings_and_takes_what_may_differ(tmp_path, proceeded):
    RunFolder.create(tmp_path / "run", SearchSettings(seed=3, width=4, trials=5).to_json())
    settings = session.resume(tmp_path / "run", {"port": 0, "trials": 9, "seed": 3})
    assert (settings.seed, settings.width, settings.trials, settings.port) == (3, 4, 9, 0)
    assert proceeded == [(settings, True)]


def test_a_resume_names_a_file_of_arrays_as_the_search_did(tmp_path, proceeded, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("sub", "other", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "my.npz").touch()
    settings = SearchSettings(dataset="sub/my.npz").located()
    RunFolder.create(tmp_path / "run", settings.to_json())
    assert session.resume(tmp_path / "run", {"dataset": "sub/my.npz"}) == settings
    assert session.resume(tmp_path / "run", {"dataset": "other/my.npz"}).data_dir == str(tmp_path / "other")
    assert session.resume(tmp_path / "run", {"data_dir": "new"}).data_dir == str(tmp_path / "new")
    with pytest.raises(UserError, match=r"dataset is 'your\.npz', in the run 'my\.npz'"):
        session.resume(tmp_path / "run", {"dataset": "your.npz"})


def test_what_was_found_of_the_data_is_kept_and_used_again(tmp_path, monkeypatch):
    monkeypatch.setattr(Session, "_proceed", lambda *_, **__: None)
    settings = SearchSettings(port=0, run_dir=str(tmp_path / "run"))
    run = RunFolder.open(session.search(settings))
    digits = dataset_info("digits")
    assert run.resolved()["dataset"] == digits.to_json()
    assert run.resolved()["train_images"] == 1150
    kept = dataclasses.replace(digits, mean=(0.25,))
    other = RunFolder.create(tmp_path / "other", settings.to_json(), {"dataset": kept.to_json()})
    assert session_of(settings, other).data.info == kept
    assert session_of(settings, run).data.info == digits
    trial = settings.trial_settings().knowing(kept)
    assert TrialSettings(**json.loads(json.dumps(trial.to_json()))) == trial
    assert trial.dataset_info() == dataclasses.replace(kept, class_names=())
    assert trial.load().info.mean == (0.25,)


def test_batches_of_one_image_are_tried_before_anything_starts(tmp_path):
    path = save_arrays(
        tmp_path / "tiny.npz",
        np.zeros((40, 2, 2), np.uint8),
        np.arange(40) % 2,
        np.zeros((2, 2, 2), np.uint8),
        [0, 1],
    )
    check = lambda **more: session_of(SearchSettings(dataset=path, port=0, width=4, cells=2, **more)).check()  # noqa: E731
    with pytest.raises(
        UserError, match="batches have one image.* accepted: batch_size and training images of 2"
    ):
        check(batch_size=1)
    check(batch_size=2)


def test_a_finished_run_is_not_started_again(tmp_path, proceeded):
    run = RunFolder.create(tmp_path / "run", SearchSettings(trials=2).to_json())
    for index in range(2):
        run.append(measured(index, 0.5))
    session.resume(run.path, {})
    assert proceeded == []


def test_a_resume_under_other_settings_is_refused(tmp_path, proceeded):
    run = RunFolder.create(tmp_path / "run", SearchSettings(seed=3).to_json())
    with pytest.raises(UserError, match="seed is 4, in the run 3"):
        session.resume(run.path, {"seed": 4})
    assert proceeded == []


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        (
            "dataset",
            "x",
            "resolved.dataset in .*settings.json is damaged: 'x' is no record of a data set; accepted: an object",
        ),
        ("dataset", {"mean": "a"}, "resolved.dataset in .*settings.json is damaged: mean is 'a'; accepted"),
        ("dataset", {"std": [0]}, "resolved.dataset in .*settings.json is damaged: std is 0; accepted"),
        ("space", 5, "settings.json: resolved.space is 5; accepted: an object"),
    ],
)
def test_a_resume_refuses_what_was_damaged_of_what_is_used(tmp_path, monkeypatch, part, value, said):
    monkeypatch.setattr(Session, "_proceed", lambda *_, **__: pytest.fail("it went on"))
    digits = dataset_info("digits").to_json()
    value = digits | value if isinstance(value, dict) else value
    run = RunFolder.create(tmp_path / "run", SearchSettings().to_json(), {part: value})
    before = run.record()
    with pytest.raises(UserError, match=said):
        session.resume(run.path, {"trials": 30})
    assert run.record() == before
    run.revise(run.settings(), {})
    assert session_of(SearchSettings(), run).data.info == dataset_info("digits")


@pytest.mark.parametrize("name", ["strategy", "recipe", "space", "setting", "dataset", "epochs"])
def test_a_resume_refuses_a_setting_of_another_type_and_names_the_file(tmp_path, proceeded, name):
    run = RunFolder.create(tmp_path / "run", SearchSettings().to_json() | {name: ["a"]})
    with pytest.raises(UserError, match=rf"^{run.path}/settings.json: .*{name}"):
        session.resume(run.path, {"port": 0})
    assert proceeded == []


def test_what_is_named_again_is_kept_and_means_the_same_from_anywhere(tmp_path, proceeded, monkeypatch):
    run = RunFolder.create(
        tmp_path / "run", SearchSettings(dataset="mnist", trials=2, data_dir="/gone").to_json()
    )
    with pytest.raises(UserError, match="data_dir /gone is not there; say where it is now with --data-dir"):
        session.resume(run.path, {})
    (tmp_path / "now").mkdir()
    monkeypatch.chdir(tmp_path)
    session.resume(run.path, {"data_dir": "now", "trials": 5, "concurrency": 3, "port": 0})
    settings, resume = proceeded.pop()
    assert resume
    assert (settings.data_dir, settings.trials, settings.concurrency) == (str(tmp_path / "now"), 5, 3)
    kept = RunFolder.open(run.path).settings()
    assert (kept["data_dir"], kept["trials"], kept["concurrency"]) == (str(tmp_path / "now"), 5, 3)
    assert kept["port"] == SearchSettings().port
    monkeypatch.chdir("/")
    session.resume(run.path, {})
    assert proceeded.pop()[0].data_dir == str(tmp_path / "now")


def test_paths_are_whole_before_they_are_written_down(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert SearchSettings(data_dir="images").located().data_dir == str(tmp_path / "images")
    assert SearchSettings().located() == SearchSettings()


@pytest.mark.parametrize("settings", [{}, {"recipe": {}, "dataset": "digits"}])
def test_a_folder_of_something_else_is_not_gone_on_with(tmp_path, proceeded, settings):
    run = RunFolder.create(tmp_path / "run", settings)
    with pytest.raises(UserError, match="holds no search: its settings lack .*space, strategy, trials"):
        session.resume(run.path, {})
    assert proceeded == []


def test_a_resume_that_is_refused_changes_nothing(tmp_path, proceeded, monkeypatch):
    def refuse(_):
        raise UserError("others")

    monkeypatch.setattr(Session, "require_data", refuse)
    run = RunFolder.create(tmp_path / "run", SearchSettings(trials=2).to_json())
    before = (run.path / "settings.json").read_bytes()
    (run.path / "outcome.json").write_text("{}")
    with pytest.raises(UserError, match="others"):
        session.resume(run.path, {"trials": 9})
    assert (run.path / "settings.json").read_bytes() == before
    assert (run.path / "outcome.json").exists()
    assert proceeded == []


def test_a_finished_run_that_is_at_work_again_is_not_concluded_by_another(tmp_path, proceeded):
    run = RunFolder.create(tmp_path / "run", SearchSettings(trials=1).to_json())
    run.append(measured(0, 0.5))
    with run.lock(), pytest.raises(UserError, match="is at work on"):
        session.resume(run.path, {}, lambda path: pytest.fail("concluded"))


def test_a_supernet_that_cannot_train_on_single_images_is_refused_before_it_begins(tmp_path):
    images, labels = np.zeros((81, 4, 4), np.uint8), np.arange(81) % 3
    path = save_arrays(tmp_path / "my.npz", images, labels, images, labels)
    asked = SearchSettings(
        strategy="darts",
        portal="off",
        dataset=str(path),
        batch_size=1,
        width=4,
        cells=3,
        run_dir=tmp_path / "run",
    )
    with pytest.raises(UserError, match="batches have one image, of which the last maps have one pixel"):
        session_of(asked).begin()
    assert not (tmp_path / "run").exists()
