import pickle

import pytest
import torch

from records.errors import UserError
from training.checkpoint import load_checkpoint, make_place, require_same, save_checkpoint

CPU = torch.device("cpu")


def test_round_trip(tmp_path):
    path = tmp_path / "new" / "checkpoint.pt"
    make_place(path)
    save_checkpoint({"settings": {}, "model": {"w": torch.arange(3.0)}, "history": [{"loss": 0.5}]}, path)
    state = load_checkpoint(path, CPU)
    assert torch.equal(state["model"]["w"], torch.arange(3.0))
    assert state["history"] == [{"loss": 0.5}]
    assert [entry.name for entry in path.parent.iterdir()] == ["checkpoint.pt"]


def test_a_folder_that_was_moved_is_not_made_again(tmp_path):
    path = tmp_path / "run" / "checkpoints" / "supernet.pt"
    path.parent.parent.mkdir()
    make_place(path)
    path.parent.parent.rename(tmp_path / "moved")
    for write in (make_place, lambda path: save_checkpoint({"settings": {}}, path)):
        with pytest.raises(
            UserError, match="cannot write .*supernet.pt: .*the folder is not there, or not any more"
        ):
            write(path)
    assert not (tmp_path / "run").exists()


def test_a_failed_write_leaves_the_former_state(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint({"settings": {"epoch": 1}}, path)
    with pytest.raises((AttributeError, pickle.PicklingError)):
        save_checkpoint({"epoch": lambda: None}, path)
    assert load_checkpoint(path, CPU) == {"settings": {"epoch": 1}}


class Evil:
    def __reduce__(self):
        return (print, ("this was run",))


@pytest.mark.parametrize(
    "content", [b"", b"not a checkpoint", b"hello world\n", b"\xff\xfe\x00", bytes(4), pickle.dumps(Evil())]
)
def test_damaged_and_foreign_files(tmp_path, content, capsys):
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"checkpoint\.pt cannot be read; delete it"):
        load_checkpoint(path, CPU)
    assert "this was run" not in capsys.readouterr().out


@pytest.mark.parametrize("state", [{"model": {}}, {"settings": 3}, torch.zeros(2)])
def test_a_file_of_something_else(tmp_path, state):
    path = tmp_path / "checkpoint.pt"
    torch.save(state, path)
    with pytest.raises(UserError, match=r"checkpoint\.pt is not of a training; delete it"):
        load_checkpoint(path, CPU)


def test_code_in_a_checkpoint_is_not_run(tmp_path, capsys):
    path = tmp_path / "checkpoint.pt"
    torch.save({"model": Evil()}, path)
    with pytest.raises(UserError, match="cannot be read"):
        load_checkpoint(path, CPU)
    assert "this was run" not in capsys.readouterr().out


def test_what_differs_is_named(tmp_path):
    require_same(tmp_path, {"seed": 1, "epochs": 2}, {"epochs": 2, "seed": 1})
    with pytest.raises(UserError, match=r"other settings: epochs was 2, now 3; seed was None, now 1$"):
        require_same(tmp_path, {"epochs": 2}, {"epochs": 3, "seed": 1})


def test_a_byte_that_changed_on_the_disk_is_noticed(tmp_path):
    path = tmp_path / "checkpoint.pt"
    save_checkpoint({"settings": {}, "model": {"w": torch.full((1000,), 0.5)}}, path)
    whole = bytearray(path.read_bytes())
    for place in range(0, len(whole), 97):
        changed = whole.copy()
        changed[place] ^= 0x40
        path.write_bytes(changed)
        try:
            state = load_checkpoint(path, CPU)
        except UserError:
            continue
        assert torch.equal(state["model"]["w"], torch.full((1000,), 0.5))  # a byte that means nothing
