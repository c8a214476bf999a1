"""What settings of darts do to what it derives: the table of what was measured."""

from benchmarks.studies.darts_settings import CASES, RANDOM, problem, summary


def test_the_table_has_means_over_supernets_and_the_random_ones():
    case = next(iter(CASES))
    common = {"case": case, "macs": 1000, "skips": 1, "entropy": 0.9, "supernet_cpu_seconds": 24.0}
    records = [
        {**common, "seed": 0, "accuracies": [0.9, 0.8]},
        {**common, "seed": 1, "accuracies": [0.95, 0.95], "macs": 3000},
        {"case": RANDOM, "seed": 0, "macs": [1000, 3000], "accuracies": [[0.5, 0.7], [0.8, 0.8]]},
    ]
    assert summary(records).splitlines()[2:] == [
        f"| {case} | 90.0 ± 7.1 | 2 | 1.0 | 0.900 | 2.0 | 2 |",
        "| random architectures | 70.0 ± 14.1 | 2 | - | - | - | 2 |",
    ]


def test_partial_channels_divide_the_width():
    assert problem().settings["width"] % CASES["partial channels, K = 4"]["partial_channels"] == 0
