import pytest

from execution.platforms.cluster import load_cluster
from records.errors import UserError


def written(folder, cluster=(), storage=()):
    top = {"image": "registry/pde:1", "address": "10.0.0.5"} | dict(cluster)
    below = {"server": "nfs", "path": "/exports", "mounted": str(folder)} | dict(storage)
    path = folder / "cluster.toml"
    lines = [f"{name} = {value!r}" for name, value in top.items() if value is not None]
    lines += ["[storage]", *(f"{name} = {value!r}" for name, value in below.items() if value is not None)]
    path.write_text("\n".join(lines))
    return path


def test_a_cluster_and_its_storage(tmp_path):
    cluster, storage = load_cluster(written(tmp_path, {"gpus": 2}))
    assert (cluster.image, cluster.address, cluster.gpus, cluster.cpus) == (
        "registry/pde:1",
        "10.0.0.5",
        2,
        2,
    )
    assert (cluster.namespace, cluster.service_account, cluster.memory) == (
        "default",
        "frameworkbarrier",
        "8 GB",
    )
    assert (storage.server, storage.path, storage.mounted) == ("nfs", "/exports", str(tmp_path))


@pytest.mark.parametrize(
    ("cluster", "storage", "said"),
    [
        ({"image": None}, {}, "cluster.toml: image is missing"),
        ({"image": "a b"}, {}, "image is 'a b'"),
        ({"address": "$(id)"}, {}, "address is"),
        ({"namespace": "My_Space"}, {}, "namespace is 'My_Space'; accepted: small letters"),
        ({"cpus": 0}, {}, "cpus is 0; accepted: a whole number, 1 or more"),
        ({"gpus": -1}, {}, "gpus is -1; accepted: a whole number, 0 or more"),
        ({"memory": "much"}, {}, "memory is 'much'; accepted: a number with MB or GB"),
        ({"colour": 3}, {}, "unknown setting colour; accepted: image, address, namespace"),
        (
            {},
            {"path": "exports"},
            "storage: server 'nfs' and path 'exports'; accepted: a name, an absolute path",
        ),
        (
            {},
            {"mounted": "/no/such/folder"},
            "storage: mounted is '/no/such/folder'; accepted: the absolute path",
        ),
        ({}, {"azure": "x"}, "storage: unknown setting azure; accepted: server, path, mounted"),
    ],
)
def test_a_mistake_is_told_with_the_file(tmp_path, cluster, storage, said):
    with pytest.raises(UserError) as error:
        load_cluster(written(tmp_path, cluster, storage))
    assert said in str(error.value)
    assert str(error.value).startswith(str(tmp_path / "cluster.toml"))
    assert "\n" not in str(error.value)


def test_no_storage(tmp_path):
    (tmp_path / "cluster.toml").write_text("image = 'x'")
    with pytest.raises(UserError, match=r"the table \[storage\] is missing"):
        load_cluster(tmp_path / "cluster.toml")
