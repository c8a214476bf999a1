"""Ports found and kept."""

from __future__ import annotations

import multiprocessing
import socket
from contextlib import contextmanager

import pytest

from execution.portal import ports
from execution.portal.ports import free_port, reserved
from records.errors import UserError


@contextmanager
def listener(address="127.0.0.1", family=socket.AF_INET):
    with socket.socket(family) as taken:
        taken.bind((address, 0))
        taken.listen()
        yield taken.getsockname()[1]


def has_ipv6() -> bool:
    try:
        with listener("::1", socket.AF_INET6):
            return True
    except OSError:
        return False


def test_a_port_that_was_asked_for_is_had_or_named():
    port = free_port()
    with reserved(port) as had:
        assert had == port
    with (
        listener() as taken,
        pytest.raises(UserError, match=rf"port {taken} cannot be had .*--port \(0: any\)"),
        reserved(taken),
    ):
        pass


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_localhost_is_of_both_kinds():
    with (
        listener("::1", socket.AF_INET6) as taken,
        pytest.raises(UserError, match="cannot be"),
        reserved(taken),
    ):
        pass


def test_where_none_was_asked_for_another_one_is_taken(monkeypatch):
    monkeypatch.setattr(ports, "DEFAULT", free_port())
    with reserved(None) as first, reserved(None) as second:
        assert first == ports.DEFAULT
        assert second not in (0, first)
    with listener() as taken:
        monkeypatch.setattr(ports, "DEFAULT", taken)
        with reserved(None) as other:
            assert other not in (0, taken)
    with reserved(0) as one, reserved(0) as two:
        assert 0 not in (one, two)
        assert one != two


def test_the_neighbours_are_kept_too():
    port = free_port()
    with (
        reserved(port, neighbours=1),
        pytest.raises(UserError, match=f"port {port + 1} cannot"),
        reserved(port + 1),
    ):
        pass
    with (
        reserved(port + 1),
        pytest.raises(UserError, match=f"{port + 1} cannot"),
        reserved(port, neighbours=1),
    ):
        pass
    with reserved(port):  # what failed half-way has left nothing
        pass


def _claim(port, begin, results, over):
    begin.wait()
    try:
        with reserved(port):
            results.put("had")
            over.wait()
    except UserError as error:
        results.put(str(error))


def test_of_several_that_ask_at_once_one_has_it():
    context = multiprocessing.get_context("fork")
    begin, over, results, port = context.Event(), context.Event(), context.Queue(), free_port()
    several = [context.Process(target=_claim, args=(port, begin, results, over)) for _ in range(5)]
    for each in several:
        each.start()
    begin.set()
    said = sorted(results.get(timeout=20) for _ in several)
    over.set()
    for each in several:
        each.join(20)
    assert said.count("had") == 1
    assert all("another search or view has it" in text for text in said if text != "had")
    with reserved(port):
        pass


@pytest.mark.parametrize(("port", "neighbours"), [(-1, 0), (65536, 0), (65535, 1)])
def test_what_is_no_port_is_refused(port, neighbours):
    with (
        pytest.raises(UserError, match=f"port is {port}; accepted: 0 to"),
        reserved(port, neighbours=neighbours),
    ):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_named(host):
    with pytest.raises(UserError, match=f"cannot listen on {host} port .*--host"), reserved(None, host):
        pass
