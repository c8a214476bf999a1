"""The printed lines, held against those of NNI's own client."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from execution.trials.channel import TrialChannel
from execution.trials.printed_channel import PrintedChannel, open_channel
from records.errors import UserError

METRICS = [{"default": 0.25, "macs": 10**9}, {"default": 1 / 3, "said": 'it\'s /a//b # \\ "c"'}]
OURS = """
from execution.trials.printed_channel import PrintedChannel
channel = PrintedChannel.from_environment()
parameters = channel.parameters()
for metric in METRICS:
    channel.report_intermediate(metric)
channel.report_final(parameters)
"""
NNIS = """
import nni
parameters = nni.get_next_parameter()
for metric in METRICS:
    nni.report_intermediate_result(metric)
nni.report_final_result(parameters)
"""


def printed(program: str, folder) -> list[str]:
    environment = os.environ | {
        "NNI_PLATFORM": "frameworkcontroller",
        "NNI_SYS_DIR": str(folder),
        "NNI_OUTPUT_DIR": str(folder / "out"),
        "NNI_TRIAL_JOB_ID": "Ab3de",
        "NNI_EXP_ID": "x",
        "NNI_TRIAL_SEQ_ID": "0",
        "NNI_CODE_DIR": str(folder),
        "REUSE_MODE": "true",
        "MULTI_PHASE": "true",
    }
    program = f"METRICS = {METRICS!r}\n{program}"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("NNISDK_ME")]


def understood(line: str) -> dict:
    assert line.startswith("NNISDK_MEb'")
    assert line.endswith("'")
    record = json.loads(line.removeprefix("NNISDK_MEb'")[:-1])
    return record | {"value": repr(json.loads(record["value"]))}


def test_what_is_printed_is_what_nni_prints(tmp_path):
    record = {"parameter_id": 4, "parameters": {"index": 2, "genotype": {"space": "x"}}}
    (tmp_path / "parameter.cfg").write_text(json.dumps(record))
    ours, nnis = ([understood(line) for line in printed(program, tmp_path)] for program in (OURS, NNIS))
    assert len(ours) == 3
    assert ours == nnis
    assert ours[2]["type"] == "FINAL"


def test_nni_reads_a_metric_to_its_end_whatever_text_is_in_it(tmp_path, capsys):
    """By the pattern of its server, which ends at the first quote."""
    PrintedChannel(tmp_path, "Ab3de").report_intermediate({"default": 0.5, "said": "it's 'quoted'"})
    line = capsys.readouterr().out
    found = re.findall("NNISDK_MEb'(.*?)'", line)
    assert json.loads(json.loads(found[0])["value"])["said"] == "it's 'quoted'"


def test_what_is_no_number_is_none(tmp_path, capsys):
    """JSON has no NaN, and NNI's page reads JSON."""
    PrintedChannel(tmp_path, "Ab3de").report_final(
        {"default": 0.5, "loss": float("nan"), "rate": float("inf")}
    )
    assert (
        understood(capsys.readouterr().out.strip())["value"] == "{'default': 0.5, 'loss': None, 'rate': None}"
    )


def test_the_channel_is_the_platforms(tmp_path, monkeypatch):
    for name in ("NNI_PLATFORM", "NNI_SYS_DIR", "NNI_TRIAL_JOB_ID", "NNI_TRIAL_COMMAND_CHANNEL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UserError, match="NNI_TRIAL_COMMAND_CHANNEL is not set"):
        open_channel()
    monkeypatch.setenv("NNI_PLATFORM", "frameworkcontroller")
    with pytest.raises(UserError, match="NNI_SYS_DIR is not set"):
        open_channel()
    monkeypatch.setenv("NNI_SYS_DIR", str(tmp_path))
    monkeypatch.setenv("NNI_TRIAL_JOB_ID", "Ab3de")
    assert isinstance(open_channel(), PrintedChannel)
    monkeypatch.setenv("NNI_PLATFORM", "remote")
    monkeypatch.setenv("NNI_TRIAL_COMMAND_CHANNEL", "http://localhost:1/env/x")
    assert isinstance(open_channel(), TrialChannel)
