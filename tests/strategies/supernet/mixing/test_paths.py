"""Single paths, and the gates of ProxylessNAS."""

import torch

from strategies.supernet.distribution import uniform
from strategies.supernet.mixing.paths import Gates, Paths
from tests.strategies.supernet.toy import toy_table

NODE = ("normal", 2)
PATH = {"normal": [[["conv", 0], ["skip", 1]], [["skip", 0], ["conv", 2]]]}


def test_a_path_is_run_as_it_is():
    mixer = Paths()
    mixer.follow(toy_table(), PATH)
    terms = mixer.terms(("normal", 3), [], training=True)
    assert [(term.source, term.primitive, term.weight) for term in terms] == [(0, 0, None), (2, 1, None)]


def test_the_supernet_is_judged_along_what_is_derived():
    logits = {node: rows.clone() for node, rows in uniform(toy_table()).logits.items()}
    logits[NODE][:, 1] = 3.0
    mixer = Gates()
    mixer.begin_judging(toy_table(), logits)
    assert [term.primitive for term in mixer.terms(NODE, [], training=False)] == [1, 1]


def drawn(mixer, rows, learning):
    mixer.begin_step({NODE: rows}, learning=learning)
    return mixer.terms(NODE, rows, training=True)


def test_weights_learn_along_one_primitive_of_an_edge_drawn_by_its_logits():
    mixer, row = Gates(), torch.tensor([0.0, 1.0, -50.0])
    counts = torch.zeros(2)
    for _ in range(2000):
        terms = drawn(mixer, [row], False)
        assert len(terms) == 1
        counts[terms[0].primitive] += 1
    torch.testing.assert_close(counts / 2000, row.softmax(0)[:2], atol=0.03, rtol=0)


def test_a_node_is_never_left_without_an_edge():
    mixer = Gates()
    for row in (torch.tensor([0.0, 0.0, 5.0]), torch.tensor([0.0, 1.0, 200.0])):
        for learning in (True, False):
            for _ in range(20):
                assert any(not term.blind for term in drawn(mixer, [row, row], learning))


def test_gates_have_the_binary_values_and_the_papers_gradient():
    row = torch.tensor([0.5, -0.5, -80.0], requires_grad=True)
    terms = drawn(Gates(), [row], True)
    gates = {term.primitive: term for term in terms}
    run = next(k for k, term in gates.items() if not term.blind)
    assert {k: float(term.weight.detach()) for k, term in gates.items()} == {run: 1.0, 1 - run: 0.0}
    slopes = torch.tensor([2.0, 3.0])  # of the loss, by gate
    sum(slopes[k] * term.weight for k, term in gates.items()).backward()
    p = row.detach()[:2].softmax(0)
    expected = [
        sum(slopes[j] * p[j] * (int(i == j) - p[i]) for j in range(2)) for i in range(2)
    ]  # equation 4
    torch.testing.assert_close(row.grad[:2], torch.stack(expected))
