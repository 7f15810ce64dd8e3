"""The settings of a cell: what they accept, and what makes two cells the same."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from ablate.config import NOT_IDENTITY, Cell, Data, Loss, Model, Settings, Term, Train, content_sha256
from ablate.losses.catalogue import adversarial_losses, distortions
from ablate.registry import AbsentError, Registry
from ablate.settings import added, flat

SMALL = {"discriminator": {"norm": "channel", "layers": 3}, "model": {"downsamplings": 3, "width": 8}}
FOLDER = {"source": "folder", "train": "a", "test": "b", "train_digest": "1" * 64, "test_digest": "2" * 64}

# One other valid value for every setting that a result depends on.
OTHERS: dict[str, Any] = {
    "data.source": {"source": "folder", "path": "a"},
    "data.test_fraction": 0.2,
    "data.on_bad_image": "skip",
    "data.crop": 96,
    "data.batch_size": 4,
    "data.flip": False,
    "data.train_digest": "3" * 64,
    "data.test_digest": "4" * 64,
    "model.codec": None,  # there is one; tests/codecs/test_another_codec.py has another
    "data.colour_profiles": "convert",
    "data.options": None,  # tests/data/test_another_source.py
    "data.defined_by": "0" * 64,
    "model.channels": 4,
    "model.width": 12,
    "model.downsamplings": 2,
    "model.residual_blocks": 1,
    "model.norm": "channel",
    "model.latent_norm": "none",
    "model.noise": True,
    "model.noise_channels": 64,
    "model.quirks.round_kills_encoder": True,
    "model.quirks.l1_dead_zone": True,
    "model.quirks.relu_before_quantizer": True,
    "model.quirks.noise_batch_norm": True,
    "model.quantizer.levels": 7,
    "model.quantizer.centers": "learned",
    "model.quantizer.temperature": 0.5,
    "model.prior": None,  # with a latent that is not normalised; tests/codecs/agustsson/test_rated.py
    "model.prior_width": 16,
    "model.rounding": "noise",
    "model.map_classes": None,  # with maps; tests/data/test_maps.py
    "discriminator.map_classes": None,
    "model.selective": "random_box",
    "evaluation.kept": "random_box",
    "data.train_maps_digest": "5" * 64,
    "data.test_maps_digest": "6" * 64,
    "discriminator.kind": "features",
    "discriminator.augment": None,  # together; tests/train/test_augmenter.py
    "discriminator.augment_probability": None,
    "discriminator.augment_draws": None,
    "discriminator.scales": 2,
    "discriminator.width": 32,
    "discriminator.layers": 2,
    "discriminator.norm": "instance",
    "discriminator.spectral_norm": True,
    "discriminator.quirks.double_leaky_relu": True,
    "discriminator.quirks.sigmoid_logits": True,
    "loss.adversarial": "vanilla",
    "loss.generator": "vanilla",
    "loss.adversarial_weight": 0.5,
    "loss.adaptive_weight": True,
    "loss.calibrate": "gradient",
    "loss.calibrate_to": "hinge",
    "loss.calibrate_at": 7,
    "loss.discriminator_weight": 0.5,
    "loss.penalties": ["r1"],
    "loss.distortion": "l1",
    "loss.lambda_x": 6.0,
    "loss.lambda_r": None,  # tests/codecs/test_another_codec.py
    "loss.rate_target": None,  # tests/train/test_rate.py
    "loss.rate_control": "two_level",
    "loss.lambda_r_below": None,  # tests/train/test_rate.py
    "loss.perceptual": "l1",
    "loss.perceptual_weight": 0.5,
    "loss.feature_matching": "source",
    "loss.feature_matching_weight": 5.0,
    "loss.scale_reduction": "sum",
    "loss.generator_scales": "finest",
    **{f"optimizers.{each}.name": None for each in ("generator", "discriminator", "warmup")},  # with a decay alone
    **{f"optimizers.{each}.weight_decay": 0.01 for each in ("generator", "discriminator", "warmup")},
    **{f"optimizers.{each}.clip_norm": 1.0 for each in ("generator", "discriminator", "warmup")},
    **{f"optimizers.{each}.schedule": "cosine" for each in ("generator", "discriminator")},
    **{f"optimizers.{each}.warmup_steps": 7 for each in ("generator", "discriminator")},
    "optimizers.generator.learning_rate": 1e-4,
    "optimizers.generator.beta1": 0.9,
    "optimizers.generator.beta2": 0.99,
    "optimizers.generator.epsilon": 1e-6,
    "optimizers.discriminator.learning_rate": 1e-4,
    "optimizers.discriminator.beta1": 0.9,
    "optimizers.discriminator.beta2": 0.99,
    "optimizers.discriminator.epsilon": 1e-6,
    "optimizers.warmup.learning_rate": 1e-4,
    "optimizers.warmup.beta1": 0.8,
    "optimizers.warmup.beta2": 0.99,
    "optimizers.warmup.epsilon": 1e-6,
    "train.steps": 7,
    "train.stop_at": 7,
    "train.warmup_steps": 7,
    "train.warmup_decay": "none",
    "train.warmup_distortion": "l1",
    "train.discriminator_start": 3,
    "train.discriminator_steps": 2,
    "train.accumulate": 2,
    "train.start.sha256": None,  # with a file; tests/train/test_start.py
    "train.start.cell": "0" * 12,
    "train.order": "generator_first",
    "train.quirks.unpaired_batches": True,
    "train.quirks.coarse_untrained": True,
    "train.ema_decay": 0.9,
    "train.precision": "bfloat16",
    "train.channels_last": True,
    "train.log_every": 7,
    "train.checkpoint_every": 7,
    "evaluation.extractor": None,  # there is one
    "evaluation.tap": 1280,
    "evaluation.patch": 32,
    "evaluation.perceptual": "lpips_alex",
    "evaluation.metrics": ["lpips_alex"],
    "evaluation.extractors": ["lite0", {"name": "lite0", "tap": 1280}],
    "evaluation.sets": {"kodak": "kodak"},
    "evaluation.set_digests": {"kodak": "0" * 64},
    "seed": 1,
    "replicate": 1,
}


def cell(**sections: Any) -> Cell:
    return Cell.model_validate({**SMALL, **sections})


def changed(name: str, value: Any) -> Cell:
    """Returns the small cell with one setting changed."""
    tree = json.loads(json.dumps(SMALL))
    *groups, last = name.split(".")
    table = tree
    for group in groups:
        table = table.setdefault(group, {})
    table[last] = value
    if name == "data.source":
        tree["data"] = value
    return Cell.model_validate(tree)


def settings_of(group: type[Settings], prefix: str = "") -> Iterator[str]:
    for name, info in group.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, Settings) and kind is not Term:
            yield from settings_of(kind, f"{prefix}{name}.")
        elif info.json_schema_extra != NOT_IDENTITY:
            yield prefix + name


def test_every_setting_of_a_cell_is_tried_below() -> None:
    assert set(OTHERS) == set(settings_of(Cell))


@pytest.mark.parametrize("name", [name for name, value in OTHERS.items() if value is not None])
def test_changing_a_setting_changes_the_identity_unless_it_says_how_a_cell_is_measured(name: str) -> None:
    other = changed(name, OTHERS[name])
    assert other != cell()
    assert (other.id == cell().id) is name.startswith("evaluation.")


def test_the_id_that_a_cell_had_before_counts_its_evaluation() -> None:
    assert cell().earlier_id == cell().id
    assert changed("evaluation.tap", 1280).earlier_id != cell().id
    assert changed("evaluation.sets", {"kodak": "kodak"}).earlier_id == cell().id


def test_an_id_is_the_beginning_of_the_whole_hash() -> None:
    assert cell().id == cell().sha256[:12]
    assert len(cell().sha256) == 64


def test_the_order_of_keys_changes_no_id() -> None:
    one = {"loss": {"lambda_x": 3, "adversarial": {"name": "lsgan", "real_target": 0.9, "fake_target": 0.1}}, **SMALL}
    other = {**SMALL, "loss": {"adversarial": {"fake_target": 0.1, "real_target": 0.9, "name": "lsgan"}, "lambda_x": 3}}
    assert Cell.model_validate(one).id == Cell.model_validate(other).id


@pytest.mark.parametrize("value", [10, 10.0])
def test_a_number_is_typed_before_it_is_hashed(value: float) -> None:
    assert cell(loss={"lambda_x": value}).id == cell(loss={"lambda_x": 10}).id


@pytest.mark.parametrize("term", ["lsgan", {"name": "lsgan"}, {"name": "lsgan", "real_target": 1},
                                  {"name": "lsgan", "options": {"real_target": 1.0}}])  # fmt: skip
def test_a_default_written_out_changes_no_id(term: Any) -> None:
    assert cell(loss={"adversarial": term}).id == cell(loss={"adversarial": "lsgan"}).id


def test_an_option_changes_the_id() -> None:
    other = cell(loss={"adversarial": {"name": "lsgan", "real_target": 0.9}})
    assert other.id != cell(loss={"adversarial": "lsgan"}).id


def test_a_setting_that_was_added_later_leaves_earlier_ids_at_its_default() -> None:
    class LaterModel(Model):
        """The model's settings of a later version of the package."""

        attention: int = added("9.0", 0)

    class LaterCell(Cell):
        """A cell of that version."""

        model: LaterModel = LaterModel()

    before = cell(loss={"lambda_x": 3})
    later = LaterCell.model_validate(before.model_dump())
    assert later.model.attention == 0
    assert (later.id, later.sha256) == (before.id, before.sha256)
    used = before.model_dump()
    used["model"]["attention"] = 2
    assert LaterCell.model_validate(used).id != before.id


def test_an_option_that_was_added_later_leaves_earlier_ids_at_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    before = cell(loss={"adversarial": {"name": "lsgan", "real_target": 0.9}})
    scratch = Registry("adversarial loss")

    @scratch.register(added={"smoothing": "9.0"}, **adversarial_losses["lsgan"].facts)
    def lsgan(
        *, fake_target: float = 0.0, real_target: float = 1.0, generator_target: float = 1.0, smoothing: float = 0.0
    ) -> None:
        """Least squares with an option that it did not have before."""

    monkeypatch.setitem(adversarial_losses._entries, "lsgan", scratch["lsgan"])
    assert cell(loss={"adversarial": {"name": "lsgan", "real_target": 0.9}}).id == before.id
    assert cell(loss={"adversarial": {"name": "lsgan", "real_target": 0.9, "smoothing": 0.0}}).id == before.id
    assert cell(loss={"adversarial": {"name": "lsgan", "real_target": 0.9, "smoothing": 0.1}}).id != before.id


def test_where_the_images_lie_is_no_part_of_the_identity_but_what_they_are_is() -> None:
    here = cell(data=FOLDER)
    assert cell(data={**FOLDER, "train": "elsewhere/a", "test": "elsewhere/b"}).id == here.id
    assert cell(data={**FOLDER, "train": None, "test": None, "path": "elsewhere"}).id == here.id
    assert cell(data={**FOLDER, "train_digest": "3" * 64}).id != here.id


def test_a_cell_read_back_from_json_is_the_same_cell() -> None:
    one = cell(data=FOLDER, loss={"adversarial": {"name": "lsgan", "real_target": 0.9}}, train={"warmup_steps": 3})
    other = Cell.model_validate(json.loads(one.model_dump_json()))
    assert other == one
    assert (other.id, other.warmup) == (one.id, one.warmup)


def test_a_content_hash_is_sha256_of_canonical_json() -> None:
    assert content_sha256({"b": [1, 2.5], "a": None}) == hashlib.sha256(b'{"a":null,"b":[1,2.5]}').hexdigest()


def test_a_content_that_json_cannot_say_is_an_error() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        content_sha256({"x": float("nan")})


def test_cells_that_begin_alike_share_a_warm_up() -> None:
    start = {"warmup_steps": 5}
    first = cell(train=start).warmup
    assert first is not None
    for other in (
        cell(train=start, loss={"adversarial": "vanilla", "lambda_x": 3}),
        cell(train=start, discriminator={**SMALL["discriminator"], "scales": 1}),
        cell(train={**start, "steps": 7}),
        cell(train=start, optimizers={"discriminator": {"learning_rate": 1e-5}, "generator": {"beta1": 0.9}}),
        cell(train=start, replicate=1),
    ):
        assert other.warmup is not None
        assert other.warmup.id == first.id


@pytest.mark.parametrize(
    "sections",
    [
        {"train": {"warmup_steps": 6}},
        {"train": {"warmup_steps": 5, "warmup_distortion": "l1"}},
        {"train": {"warmup_steps": 5, "warmup_decay": "none"}},
        {"train": {"warmup_steps": 5}, "seed": 1},
        {"train": {"warmup_steps": 5}, "model": {**SMALL["model"], "channels": 4}},
        {"train": {"warmup_steps": 5}, "data": {"flip": False}},
        {"train": {"warmup_steps": 5}, "optimizers": {"warmup": {"beta1": 0.8}}},
    ],
)
def test_cells_that_begin_otherwise_do_not(sections: dict[str, Any]) -> None:
    first, other = cell(train={"warmup_steps": 5}).warmup, cell(**sections).warmup
    assert first is not None
    assert other is not None
    assert other.id != first.id


def test_without_warm_up_steps_a_cell_trains_from_scratch() -> None:
    assert cell().warmup is None


def test_a_bare_name_stands_for_all_defaults_and_is_resolved() -> None:
    adversarial = Loss(adversarial="lsgan").adversarial
    assert adversarial == Term(name="lsgan", options={"fake_target": 0.0, "real_target": 1.0, "generator_target": 1.0})


@pytest.mark.parametrize(
    ("group", "values", "said"),
    [
        (Loss, {"adversarial": "hinje"}, r"unknown adversarial loss 'hinje' \(there is: .*hinge.*mean 'hinge'\?"),
        (Loss, {"adversarial": {"name": "lsgan", "real": 1}}, r"unknown option of lsgan 'real' .*mean 'real_target'\?"),
        (Loss, {"adversarial": {"name": "lsgan", "real_target": "a"}}, r"option 'real_target' of lsgan is float"),
        (
            Loss,
            {"adversarial": {"name": "rp_hinge", "pairing": "random"}},
            r"unknown pairing 'random' .*aligned, shuff",
        ),
        (Loss, {"adversarial": {"name": "vanilla", "real_target": 1.5}}, "above 0 up to 1, not 1.5"),
        (Loss, {"penalties": [{"name": "r1", "every": 0}]}, "every 1 or more steps, not every 0"),
        (Loss, {"distortion": {"name": "ms_ssim", "levels": 0}}, "MS-SSIM has 1 to 5 levels, not 0"),
        (Loss, {"perceptual": {"name": "lpips", "network": "alexnet"}}, "alexnet"),
        (Train, {"warmup_distortion": {"name": "huber", "beta": -1}}, "huber needs a beta above 0"),
        (Loss, {"lambda_x": -1}, "greater than or equal to 0"),
        (Loss, {"lambda_x": float("inf")}, "finite number"),
        (Loss, {"lambdax": 1}, "Extra inputs are not permitted"),
        (Train, {"steps": 0}, "greater than or equal to 1"),
        (Model, {"channels": 3}, "2, 4, 8, 16, 32, 64, 128, 192 or 220"),
        (Data, {"train": "a"}, 'belong to source = "folder"'),
        (Data, {"source": "folder"}, "needs either train and test, or path"),
        (Data, {"source": "folder", "train": "a"}, "needs either train and test, or path"),
        (Data, {"source": "folder", "path": "a", "train": "b", "test": "c"}, "needs either train and test, or path"),
    ],
)
def test_a_bad_setting_is_refused_with_a_sentence(group: type[Settings], values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        group.model_validate(values)


ON_LABELS: dict[str, Any] = {
    "loss": {"adversarial": "oasis"},
    "model": {"channels": 4},
    "discriminator": {"scales": 1, "layers": 4},
}
"""Sections whose discriminator tells labels apart."""
CALIBRATED: dict[str, Any] = {"calibrate": "gradient"}


def test_labels_are_told_apart_where_there_are_few() -> None:
    assert cell(**ON_LABELS).discriminator_kind == "labels"


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"data": {"crop": 60}}, r"data\.crop = 60 must be a multiple of 8 \(model\.downsamplings = 3\)"),
        ({"discriminator": {"norm": "instance", "scales": 4, "layers": 4}}, "coarsest of 4 discriminators"),
        (
            {"data": {"crop": 32}, "model": {"downsamplings": 5}},
            r'one pixel, which model\.norm = "instance" makes const',
        ),
        (
            {"data": {"crop": 32}, "model": {"downsamplings": 5, "norm": "none"}},
            r'one pixel, which model\.latent_norm = "instance"',
        ),
        (
            {"model": {"quantizer": {"levels": 4}, "quirks": {"round_kills_encoder": True}}},
            r"model\.quantizer\.levels = 4 lie between whole numbers",
        ),
        ({"loss": {"adversarial": "none"}}, "trains no discriminator, so there are no features"),
        (
            {"loss": {"adversarial": "none", "feature_matching": "none", "penalties": ["r1"]}},
            r"no discriminator that penalties could hold: set loss\.penalties = \[\]",
        ),
        ({"train": {"steps": 9, "discriminator_start": 9}}, r"never takes part: train\.discriminator_start = 9"),
        ({"loss": {"adaptive_weight": True, "lambda_x": 0}}, r"loss\.adaptive_weight .* would be 0"),
        ({"loss": {"adaptive_weight": True, "distortion": "none"}}, r"loss\.adaptive_weight .* would be 0"),
        ({"loss": {"adaptive_weight": True, "calibrate": "gradient"}}, r"what loss\.calibrate puts in its place"),
        ({"loss": CALIBRATED | {"calibrate_to": "oasis"}}, r'loss\.calibrate_to = "oasis" has no gradient by a logit'),
        ({"loss": CALIBRATED | {"calibrate_to": "softmax1"}}, r'loss\.calibrate_to = "softmax1" has no gradient'),
        ({"loss": CALIBRATED | {"calibrate_at": 1001}}, r"loss\.calibrate_at = 1001 .* those are 1 to 1000"),
        ({"loss": CALIBRATED, "train": {"discriminator_start": 20}}, r"calibrate_at = 20 .* those are 21 to 1000"),
        (
            {
                "loss": CALIBRATED | {"calibrate_to": {"name": "rp_hinge", "pairing": "shuffled"}},
                "data": {"batch_size": 1},
            },
            'rp_hinge with pairing = "shuffled"',
        ),
        (
            {"optimizers": {"generator": {"name": "adamw"}}},
            r'name = "adamw" differs from "adam" in its weight decay alone, and weight_decay = 0',
        ),
        (
            {"optimizers": {"generator": {"warmup_steps": 9}}, "train": {"steps": 9}},
            r"optimizers\.generator\.warmup_steps = 9 is no less than the 9 steps",
        ),
        (
            {
                "optimizers": {"discriminator": {"warmup_steps": 4}},
                "train": {"steps": 9, "discriminator_start": 5},
            },
            r"optimizers\.discriminator\.warmup_steps = 4 is no less than the 4 steps",
        ),
        ({"loss": {"generator": "hinje"}}, r"unknown adversarial loss of the generator 'hinje' .* mean 'hinge'"),
        (
            {"loss": {"adversarial": "none", "feature_matching": "none", "generator": "hinge"}},
            r'loss\.adversarial = "none" trains no discriminator that loss\.generator = "hinge" could look at',
        ),
        ({"loss": {"generator": "none"}}, r'loss\.generator = "none" looks at no discriminator'),
        ({"loss": {"generator": "ebgan"}}, r'kind "energy", and loss\.adversarial = "hinge" trains .* "patch"'),
        (
            {"loss": {"generator": {"name": "rp_hinge", "pairing": "shuffled"}}, "data": {"batch_size": 1}},
            'rp_hinge with pairing = "shuffled"',
        ),
        ({"loss": {"adversarial": "oasis"}, "model": {"channels": 8}}, r"390625 tuples .* 4096 are the most"),
        ({"loss": {"adversarial": "oasis"}, "model": {"channels": 4}}, r"set discriminator\.scales = 1"),
        (ON_LABELS | {"discriminator": {"scales": 1, "layers": 2}}, r"discriminator\.layers to 4 or more"),
        (ON_LABELS | {"loss": {"adversarial": "oasis", "penalties": ["r1"]}}, r"loss\.penalties = \[\]"),
        (ON_LABELS | {"loss": {"adversarial": "oasis", "calibrate": "gradient"}}, r'loss\.calibrate = "none"'),
        (
            {"loss": {"adversarial": "ebgan"}, "discriminator": {"quirks": {"sigmoid_logits": True}}},
            r"no logit that discriminator\.quirks\.sigmoid_logits",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        cell(**sections)


@pytest.mark.parametrize(
    "sections",
    [
        {"loss": CALIBRATED | {"calibrate_at": 21}, "train": {"discriminator_start": 20, "steps": 21}},
        {"loss": {"calibrate_at": 21, "calibrate_to": "oasis"}, "train": {"steps": 20}},
        {"loss": {"adaptive_weight": True, "lambda_x": 0, "perceptual": "l1"}},
        {"loss": {"adversarial": "none", "feature_matching": "none"}, "train": {"steps": 1, "discriminator_start": 1}},
        {"model": {"quantizer": {"levels": 4}}},
    ],
)
def test_what_is_refused_together_is_accepted_just_beside(sections: dict[str, Any]) -> None:
    assert cell(**sections).id != cell().id


def test_weights_that_this_machine_lacks_are_no_mistake_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ABLATE_VGG19", "/nowhere/vgg19.pth")
    assert Loss(perceptual="vgg").perceptual.name == "vgg"
    with pytest.raises(AbsentError, match="/nowhere"):
        distortions["vgg"].function()


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        cell().seed = 3  # type: ignore[misc]


def test_importing_the_settings_loads_no_torch() -> None:
    check = "import ablate.config, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0


def test_penalties_and_their_options_are_identity_and_their_defaults_are_filled_in() -> None:
    plain, written = (cell(loss={"penalties": [term]}) for term in ("r1", {"name": "r1", "half": True}))
    assert plain.id == written.id
    assert cell(loss={"penalties": [{"name": "r1", "weight": 3}]}).id != plain.id
    assert cell(loss={"penalties": ["r1", "drift"]}).id != plain.id


def test_a_penalty_is_named_once() -> None:
    with pytest.raises(ValueError, match="'r1' is named twice"):
        cell(loss={"penalties": ["r1", {"name": "r1", "every": 4}]})


def test_pairing_over_the_batch_needs_two_images() -> None:
    shuffled = {"adversarial": {"name": "rp_hinge", "pairing": "shuffled"}}
    assert cell(loss=shuffled).loss.adversarial.options["pairing"] == "shuffled"
    with pytest.raises(ValueError, match=r"data\.batch_size = 1"):
        cell(loss=shuffled, data={"batch_size": 1, "crop": 64}, model={"latent_norm": "none"})


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"loss": {"distortion": "ms_ssim"}}, r"loss\.distortion = 'ms_ssim' is not defined below 161 pixels"),
        ({"loss": {"perceptual": {"name": "ms_ssim", "levels": 4}}, "data": {"crop": 64}}, "below 81 pixels"),
        ({"train": {"warmup_distortion": "l1_msssim"}}, r"train\.warmup_distortion"),
    ],
)
def test_a_crop_too_small_for_a_distortion_is_refused_before_training(sections: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cell(**sections)
    assert cell(loss={"distortion": {"name": "ms_ssim", "levels": 3}}).loss.distortion.options["levels"] == 3


def test_settings_are_flattened_by_dotted_key_with_terms_whole_or_apart() -> None:
    term = {"name": "r1", "options": {"gamma": 10.0}}
    tree = {"loss": {"adversarial": term, "penalties": [term], "options": {}}, "seed": 0}
    whole = {"loss.adversarial": term, "loss.penalties": [term], "loss.options": {}, "seed": 0}
    assert flat(tree) == whole
    apart = {"loss.adversarial.name": "r1", "loss.adversarial.options.gamma": 10.0}
    assert flat(tree, terms_apart=True) == {key: whole[key] for key in whole if key != "loss.adversarial"} | apart
