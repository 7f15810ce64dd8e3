from ablate.grid.labels import short_names


def test_names_are_as_short_as_they_can_be_told_apart() -> None:
    assert short_names(["loss.lambda_x", "model.width", "discriminator.width"]) == {
        "loss.lambda_x": "lambda_x",
        "model.width": "model.width",
        "discriminator.width": "discriminator.width",
    }
