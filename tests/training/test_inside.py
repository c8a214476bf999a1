"""What a network's global layers are given and make of an image, against the network itself."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from analysis.pictures.layer_maps import most_changed, render_layer
from records.errors import UserError
from run_search import main
from search_space import sample
from training.data.lookup import dataset_info
from training.export.network import Normalised
from training.export.weights import save_weights
from training.inside import look_inside

INFO = dataset_info("digits", None)
PRIMITIVES = ["global_3", "global_signed_1", "skip_connect"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A network of which every second primitive is a global layer, its weights, and an image."""
    folder = tmp_path_factory.mktemp("trained")
    genotype = sample("darts-global", 2, image=INFO.image, width=4, cells=2, primitives=PRIMITIVES)
    model = genotype.build(seed=1)
    save_weights(model, folder / "weights.safetensors")
    genotype.save(folder / "genotype.json")
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(folder / "image.png")
    return folder, genotype, model.eval(), pixels


def inside(trained, **options):
    folder, genotype, _, _ = trained
    return look_inside(genotype, folder / "weights.safetensors", INFO, folder / "image.png", **options)


def test_each_layer_is_looked_into_and_its_output_is_what_the_network_has_there(trained):
    _, _, model, pixels = trained
    shown, given, maps = inside(trained)
    assert (shown == pixels).all()
    made = {}
    layers = {each.name: model.get_submodule(each.name) for each in maps}
    for name, layer in layers.items():
        layer.register_forward_hook(lambda _, args, out, name=name: made.setdefault(name, out))
    with torch.no_grad():
        logits = Normalised(model, INFO)(torch.from_numpy(pixels)[None, None].float())
    assert given == int(logits.argmax())
    assert len(maps) > 3
    assert [each.number for each in maps] == list(range(1, len(maps) + 1))
    for each in maps:
        np.testing.assert_allclose(each.output, made[each.name][0].numpy(), atol=1e-5)
        assert each.steps in (1, 3)
        courant = 0.2 * (np.abs(each.velocity_x) + np.abs(each.velocity_y))
        np.testing.assert_allclose(each.courant, courant, atol=1e-6)
        assert each.unstable_share == (each.courant > 1).mean()


def test_one_layer_is_drawn_the_same_each_time(trained):
    _, _, (maps,) = inside(trained, number=2)
    assert maps.number == 2
    picture = render_layer(maps)
    assert picture.startswith(b"\x89PNG")
    assert picture == render_layer(maps)
    change = np.abs(maps.states[-1] - maps.states[0]).mean((1, 2))
    assert most_changed(maps, 1) == [int(change.argmax())]


def test_what_cannot_be_looked_into_is_one_line(trained, tmp_path, capsys):
    folder, genotype, _, _ = trained
    with pytest.raises(UserError, match="layer is 99; accepted: a whole number from 1 to"):
        inside(trained, number=99)
    with pytest.raises(UserError, match="layer is 'first'; accepted: a whole number from 1 to"):
        inside(trained, number="first")
    with pytest.raises(UserError, match="accepted: an image's file"):
        look_inside(genotype, folder / "weights.safetensors", INFO, tmp_path / "none.png")
    without = sample("darts-global", 0, image=INFO.image, width=4, cells=2, primitives=["skip_connect"])
    save_weights(without.build(), tmp_path / "weights.safetensors")
    with pytest.raises(UserError, match="has no global layer that is integrated in steps"):
        look_inside(without, tmp_path / "weights.safetensors", INFO, folder / "image.png")
    run = "results/first-search/digits"
    assert main(["inspect", run, "--image", str(folder / "image.png")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no trained weights of that candidate; `run_search.py retrain" in line


def test_the_command_writes_a_picture_and_the_arrays_of_each_layer(trained, capsys):
    folder, _, _, _ = trained
    (folder / "result.json").write_text('{"test_accuracy": 0.5}')
    (folder / "settings.json").write_text('{"settings": {"dataset": "digits"}, "genotype": "x"}')
    words = ["inspect", str(folder), "--image", str(folder / "image.png"), "--layer", "1"]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert told.startswith("class given: ")
    assert "layer 1, " in told
    with np.load(folder / "inspect" / "layer1.npz") as arrays:
        assert {"states", "velocity_x", "diffusivity_y", "courant", "output"} <= set(arrays)
    assert (folder / "inspect" / "layer1.png").read_bytes().startswith(b"\x89PNG")
