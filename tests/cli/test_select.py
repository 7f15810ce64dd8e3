import pytest

from ablate.cli.select import selection

LABELS = [
    "adversarial=hinge scales=1 seed=0",
    "adversarial=hinge scales=16 seed=1",
    "adversarial=lsgan scales=1 seed=10",
]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        (None, [0, 1, 2]),
        ("hinge", [0, 1]),
        ("scales=1", [0, 2]),
        ("scales=1*", [0, 1, 2]),
        ("1", [0, 1, 2]),
        ("hinge and seed=0", [0]),
        ("not hinge", [2]),
        ("hinge and not seed=0 or lsgan", [1, 2]),
        ("adversarial=hinge scales=1", [0]),
        ("hin", []),
        ("[", []),
    ],
)
def test_an_expression_selects_labels_by_whole_words(expression: str | None, expected: list[int]):
    test = selection(expression)
    assert [number for number, label in enumerate(LABELS) if test(label)] == expected


@pytest.mark.parametrize("expression", ["", "hinge and", "or hinge", "not", "hinge and not"])
def test_an_expression_with_a_term_missing_is_refused(expression: str):
    with pytest.raises(ValueError, match="a term is missing"):
        selection(expression)


def test_a_whole_label_means_that_cell_alone() -> None:
    labels = ["scales=1 seed=0", "scales=1 seed=0 replicate=1", "big and small seed=0"]
    assert [label for label in labels if selection("scales=1 seed=0")(label)] == labels[:2]
    assert [label for label in labels if selection("scales=1 seed=0", labels)(label)] == labels[:1]
    assert [label for label in labels if selection("big and small seed=0", labels)(label)] == labels[2:]
