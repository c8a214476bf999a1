from analysis.references import references


def test_the_posters_networks_by_data_set():
    found = {point.name: (point.accuracy, point.macs_published) for point in references("imagenet")}
    assert found["MBV2-Global"] == (0.716, 193_000_000)
    assert found["MDEQ-Small"] == (0.755, 21_000_000_000)
    macs = [point.macs_published for point in references("cifar100")]
    assert macs == sorted(macs)


def test_one_network_of_two_tables_is_there_once():
    points = [(point.name, point.macs_published) for point in references("cifar10")]
    assert points.count(("ResNet-32", 70_000_000)) == 1
    assert [macs for name, macs in points if name == "MDEQ"] == [1_500_000_000, 8_300_000_000]


def test_tiny_widths_and_global_layers_are_told_apart():
    found = {point.name: point for point in references("cifar100")}
    assert found["ResNet-Global (tiny)"].macs_published == 3_600_000
    assert found["ResNet-Global (tiny)"].uses_global_layer
    assert not found["ResNet-56 (tiny)"].uses_global_layer


def test_other_data_sets_have_none():
    assert references("digits") == references(None) == ()
