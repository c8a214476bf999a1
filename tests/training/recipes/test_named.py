import pytest

from records.errors import UserError
from search_space.paper.networks import published_names
from training.recipes.named import RECIPES, get_recipe, published_recipe


@pytest.mark.parametrize(
    ("name", "batch_size", "weight_decay"),
    [
        ("resnet", 128, 5e-5),
        ("resnet-global", 32, 6e-5),
        ("resnet-global-56", 32, 8e-5),
        ("densenet", 64, 1e-4),
        ("wide-resnet", 32, 1e-4),
        ("wide-resnet-global", 32, 5e-5),
        ("tiny-resnet-global", 32, 3e-5),
        ("darts", 96, 3e-4),
        ("darts-global", 96, 8e-4),
        ("mnist", 128, 5e-5),
    ],
)
def test_published_numbers(name, batch_size, weight_decay):
    recipe = get_recipe(name)
    assert (recipe.batch_size, recipe.weight_decay) == (batch_size, weight_decay)


def test_rate_of_the_published_cifar_recipe():
    recipe = get_recipe("resnet-global")
    assert recipe.epochs == 300
    assert [recipe.learning_rate_at(e) for e in (0, 149, 150, 224, 225, 299)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.001, 0.001]
    )


def test_rate_of_the_published_mnist_recipe():
    recipe = get_recipe("mnist")
    assert [recipe.learning_rate_at(e) for e in (59, 60, 99, 100, 139, 140)] == pytest.approx(
        [0.1, 0.01, 0.01, 0.001, 0.001, 0.0001]
    )


def test_rate_of_the_backbones_falls_in_the_longer_recipe_alone():
    short, long = get_recipe("mnist-backbone"), get_recipe("mnist-backbone-long")
    assert {short.learning_rate_at(e) for e in range(short.epochs)} == {0.01}
    assert [long.learning_rate_at(e) for e in (59, 60, 119, 120, 159, 160, 199)] == pytest.approx(
        [0.01, 0.002, 0.002, 0.0004, 0.0004, 0.00008, 0.00008]
    )


def test_darts_cuts_16_of_32_pixels():
    recipe = get_recipe("darts")
    assert round(recipe.cutout * 32) == 16
    assert (recipe.auxiliary_weight, recipe.clip_norm, recipe.drop_path) == (0.4, 5.0, 0.2)


def test_changes_are_checked_and_none_changes_nothing():
    assert get_recipe("search", epochs=2, batch_size=None).batch_size == get_recipe("search").batch_size
    assert get_recipe("search", epochs=2).epochs == 2
    with pytest.raises(UserError, match="epochs is 0"):
        get_recipe("search", epochs=0)


def test_unknown_name():
    with pytest.raises(UserError, match="recipe is 'slow'; accepted: resnet"):
        get_recipe("slow")
    assert {"fast", "search", "mobilenetv2", "efficientnet"} <= RECIPES.keys()


def test_each_network_of_the_paper_itself_has_its_recipe():
    found = {}
    for name in published_names():
        try:
            found[name] = published_recipe(name).name
        except UserError:
            found[name] = None
    without = {
        "MNIST-NeuPDE", "NeuPDE", "MDEQ-Tiny", "MDEQ", "MDEQ-Reg", "MDEQ-Small", "MDEQ-Small-Reg", "MDEQ-Half",
        "ResNet-152", "DenseNet-169",
    }  # fmt: skip
    assert {name for name, recipe in found.items() if recipe is None} == without
    assert found["ResNet-Global-Tiny"] == "tiny-resnet-global"
    assert found["MNIST-Residual"] == "mnist-backbone"
    assert found["DARTS-Global"] == "darts-global"


def test_a_network_without_a_recipe_is_told():
    with pytest.raises(UserError, match="NeuPDE has no published recipe; accepted: one of resnet, "):
        published_recipe("NeuPDE")
