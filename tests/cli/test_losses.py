import json

from PIL import Image

from ablate.losses.catalogue import adversarial_losses, distortions, penalties


def test_the_catalogue_names_every_loss(ablate_in):
    said = ablate_in("losses").output
    rows = [line.split()[0] for line in said.splitlines() if line.strip()]
    for registry in (adversarial_losses, distortions, penalties):
        assert set(registry) <= set(rows)


def test_a_loss_is_told_with_formula_source_options_and_a_worked_example(ablate_in):
    said = ablate_in("losses", "lsgan").output
    for part in ("L_D = E(r - b)^2", "Mao et al. 2017", "real_target = 1.0", "worked example", "-10.0"):
        assert part in said
    # By hand: E (r - 1)^2 + E f^2 over r = 0.5, -1, 2, 0 and f = -0.5, 1, 0, -3.
    assert "discriminator 4.125000, generator 4.812500" in said
    # The generator's loss of hinge is -f, and 0 at 0.
    hinge = ablate_in("losses", "hinge").output
    assert "  0.0000 (-1.0000)" in hinge
    assert "-0.0000" not in hinge


def test_json_holds_everything_of_every_loss(ablate_in):
    cards = json.loads(ablate_in("losses", "--json").output)
    adversarial = [card for card in cards if card["kind"] == "adversarial"]
    assert {card["name"] for card in adversarial} == set(adversarial_losses)
    for card in adversarial:
        assert len(card["curves"]["logit"]) == len(card["curves"]["gradients"]["generator"]) > 100
        assert isinstance(card["worked_example"]["discriminator"], float)
    (hinge,) = json.loads(ablate_in("losses", "hinge", "--json").output)
    assert set(hinge["curves"]["gradients"]["generator"]) == {-1.0}


def test_the_figure_is_drawn(ablate_in, tmp_path):
    assert ablate_in("losses", "vanilla", "--figure", "vanilla.png").exit_code == 0
    with Image.open(tmp_path / "vanilla.png") as image:
        assert image.width > 1000
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50


def test_mistakes_are_told(ablate_in):
    unknown = ablate_in("losses", "hing")
    assert unknown.exit_code == 2
    assert "did you mean 'hinge'" in unknown.output
    assert "one adversarial loss" in ablate_in("losses", "--figure", "all.png").output
    assert "not .gif" in ablate_in("losses", "hinge", "--figure", "x.gif").output
