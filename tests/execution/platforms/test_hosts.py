import pytest

from execution.platforms.hosts import Host, load_hosts, shares
from records.errors import UserError


@pytest.fixture
def table(tmp_path):
    key = tmp_path / "id"
    key.touch()
    return {"host": "gpu1", "user": "ada", "key": str(key), "python": "/opt/venv/bin/python"}


def written(folder, *tables):
    path = folder / "hosts.toml"
    path.write_text(
        "\n".join(
            "[[host]]\n" + "\n".join(f"{name} = {value!r}" for name, value in t.items()) for t in tables
        )
    )
    return path


def test_a_file_of_machines(tmp_path, table, monkeypatch):
    monkeypatch.setenv("WORD", "sesame")
    second = table | {"host": "gpu2", "port": 2222, "trials": 3, "gpus": [0, 2], "passphrase_env": "WORD"}
    one, two = load_hosts(written(tmp_path, table, second))
    assert (one.name, one.port, one.trials, one.gpus, one.passphrase_env) == (
        "ada@gpu1:22",
        22,
        None,
        None,
        None,
    )
    assert (two.name, two.trials, two.gpus, two.passphrase_env) == ("ada@gpu2:2222", 3, (0, 2), "WORD")
    assert one.key_file == tmp_path / "id"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"host": "a b"}, "host is 'a b'"),
        ({"host": "-oProxyCommand=x"}, "host is '-oProxyCommand=x'"),
        ({"user": "a@b"}, "user is 'a@b'"),
        ({"port": 0}, "port is 0; accepted: a whole number from 1 to 65535"),
        ({"python": "python3"}, "python is 'python3'; accepted: the absolute path"),
        ({"python": "/opt/my venv/python"}, "without spaces"),
        ({"key": "/no/such/key"}, "key is '/no/such/key', and there is no such file"),
        ({"known_hosts": "/no/such"}, "known_hosts is '/no/such'"),
        ({"trials": 0}, "trials is 0; accepted: a whole number, 1 or more"),
        ({"gpus": [0, 0]}, r"gpus is \[0, 0\]; accepted: different numbers from 0 up"),
        ({"gpus": [-1]}, r"gpus is \[-1\]"),
        ({"passphrase_env": "NOT_SET_ANYWHERE"}, "NOT_SET_ANYWHERE, which is not set"),
        ({"passphrase": "sesame"}, "unknown setting passphrase; accepted: host, user, key, python"),
    ],
)
def test_a_mistake_is_told_with_file_and_entry(tmp_path, table, changes, said):
    path = written(tmp_path, table, table | {"host": "gpu2"} | changes)
    with pytest.raises(UserError, match=said) as error:
        load_hosts(path)
    assert str(error.value).startswith(f"{path}, host 2: ")
    assert "\n" not in str(error.value)


def test_a_missing_setting_a_double_and_an_empty_file(tmp_path, table):
    with pytest.raises(UserError, match="host 1: user is missing"):
        load_hosts(written(tmp_path, {name: value for name, value in table.items() if name != "user"}))
    with pytest.raises(UserError, match="host 2: ada@gpu1:22 is there twice"):
        load_hosts(written(tmp_path, table, table))
    with pytest.raises(UserError, match="names no machine"):
        load_hosts(written(tmp_path))
    (tmp_path / "hosts.toml").write_text("hosts = 3")
    with pytest.raises(UserError, match=r"unknown entry hosts; accepted: \[\[host\]\] tables"):
        load_hosts(tmp_path / "hosts.toml")


def test_trials_are_shared_out(table):
    free, three = Host(**table), Host(**table | {"host": "gpu2"}, trials=3)
    assert shares((free, three), 5) == (3, 3)
    assert shares((free,), 4) == (4,)
    with pytest.raises(UserError, match="concurrency is 4, and the machines take 3"):
        shares((three,), 4)
