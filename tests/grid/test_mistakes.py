"""Every kind of mistake in a grid file, each told on the line that `# <-` marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from ablate.grid import GridError, Mistake, read_grid
from ablate.grid.mistakes import toml_text
from ablate.losses.catalogue import feature_matchings

HEAD = 'schema = 1\nname = "test"\n[base]\npreset = "tiny"\n'
AXES = '[axes]\n"loss.adversarial" = ["hinge", "lsgan"]\n"discriminator.scales" = [1, 3]\n'

# What follows HEAD, and what the only mistake says.
ONE_MISTAKE = {
    "unknown table": ("[axis]  # <-", "axis: unknown key", "did you mean 'axes'?"),
    "unknown key of the cell": ("[base.loss]\nlamda_x = 3  # <-", "loss.lamda_x: unknown key", "'loss.lambda_x'?"),
    "key of another group": ("steps = 300  # <-", "steps: unknown key", "did you mean 'train.steps'?"),
    "key of the base in a group": ("[base.train]\npreset = 1  # <-", "train.preset: unknown key"),
    "seed in the base": ("seed = 3  # <-", "seed: unknown key", "seeds are given in [seeds]"),
    "computed key": ('data.train_digest = "a"  # <-', "it is computed from the images"),
    "value for a group": ("[base.loss]\n[base.model]\nquantizer = 5  # <-", "model.quantizer = 5: a group of settings"),
    "unknown metric in a list": (
        'evaluation.metrics = ["ssim", "psnrr"]  # <-',
        "evaluation.metrics[1] = \"psnrr\": unknown metric 'psnrr'",
        "did you mean 'psnr'?",
    ),
    "unknown key in a table of a list": (
        'evaluation.extractors = ["lite0", { name = "lite0", tapp = 1280 }]  # <-',
        "evaluation.extractors[1]",
        "unknown key of an extractor 'tapp' (there is: name, tap, patch); did you mean 'tap'?",
    ),
    "unknown extractor in a list": (
        'evaluation.extractors = ["lite1"]  # <-',
        "evaluation.extractors[0]",
        "did you mean 'lite0'?",
    ),
    "name of a split for a set": (
        '[base.evaluation.sets]\nvalidation = "kodak"  # <-',
        "'validation' cannot name a set of images",
    ),
    "axis of the evaluation": (
        '[axes]\nevaluation.tap = [112, 1280]  # <-',
        "evaluation.tap: it says how cells are measured, and a cell is its training",
        "into the lists of [base.evaluation]",
    ),
    "axis of tables": (
        '[axes]\nevaluation.sets = [{ kodak = "kodak" }, { clic = "clic" }]  # <-',
        "evaluation.sets: it says how cells are measured",
    ),
    "axis of the names of a term": (
        '[axes]\nloss.adversarial.name = ["lsgan", "hinge"]  # <-',
        "loss.adversarial.name: unknown key",
        "did you mean 'loss.adversarial'?",
    ),
    "axis of numbers for the names of a term": (
        "[axes]\nloss.adversarial.name = [1, 2]  # <-",
        "loss.adversarial.name: unknown key",
    ),
    "options of a data source that has none": (
        "[axes]\ndata.options = [{}, { a = 1 }]  # <-",
        "data.options = { a = 1 }: data: unknown option of photos 'a'",
    ),
    "values that are written alike": (
        "[axes]\nloss.lambda_x = [12.0, 12.0000001]  # <-",
        "loss.lambda_x = 12.0000001: written as lambda_x=12 like an earlier value",
    ),
    "cell beside the axes that is called like one on them": (
        '[axes]\nloss.adversarial = ["hinge", "lsgan"]\n[[include]]\nlabel = "adversarial=lsgan"  # <-\n'
        'set = { "train.ema_decay" = 0.5 }',
        'include.label = "adversarial=lsgan": another cell is called so',
    ),
    "claim on the images that choices are made by": (
        'data.validation_fraction = 0.25\n[compare]\nprimary = ["psnr", "psnr@validation"]  # <-',
        "psnr@validation is what choices are made by",
    ),
    "string for a number": ('train.steps = "300"  # <-', 'train.steps = "300": wrong type', "whole number at least 1"),
    "boolean for a number": ("train.steps = true  # <-", "train.steps = true: wrong type"),
    "fraction for a whole number": ("train.steps = 1.5  # <-", "train.steps = 1.5: wrong type"),
    "number for a boolean": ("data.flip = 1  # <-", "data.flip = 1: wrong type (allowed: true or false)"),
    "out of range": ("discriminator.scales = 9  # <-", "out of range (allowed: a whole number from 1 to 5)"),
    "open range": ("data.test_fraction = 1.0  # <-", "out of range (allowed: a number above 0 and below 1)"),
    "not finite": ("loss.lambda_x = nan  # <-", "loss.lambda_x = nan: out of range"),
    "not among the choices": (
        "model.channels = 3  # <-",
        "unknown value (there is: 2, 4, 8, 16, 32, 64, 128, 192, 220)",
    ),
    "misspelt choice": ('model.norm = "chanel"  # <-', "(there is: instance, channel, none); did you mean 'channel'?"),
    "unknown loss": (
        'loss.adversarial = "hinje"  # <-',
        'loss.adversarial = "hinje": unknown adversarial loss \'hinje\' (there is: vanilla,',
        "did you mean 'hinge'?",
    ),
    "term that is a number": ("loss.adversarial = 3  # <-", "wrong type (allowed: a name or a table"),
    "term without a name": ("loss.adversarial = {}  # <-", "loss.adversarial = {}: the name is missing"),
    "unknown option": (
        '[base.loss.adversarial]\nname = "lsgan"\nreal_tarjet = 0.9  # <-',
        "real_tarjet = 0.9: unknown option of lsgan",
        "did you mean 'real_target'?",
    ),
    "option of a loss that has none": ('loss.adversarial = { name = "hinge", a = 1 }  # <-', "hinge has no options"),
    "option of a wrong type": ('loss.adversarial = { name = "lsgan", real_target = "a" }  # <-', "is float"),
    "option that is not finite": ('loss.adversarial = { name = "lsgan", real_target = inf }  # <-', "out of range"),
    "weight of a term": ("loss.adversarial_weight = -1.0  # <-", "-1.0: out of range (allowed: a number at least 0)"),
    "option of the base's loss": ("loss.adversarial.real_target = 0.9  # <-", "= 0.9: hinge has no options"),
    "given twice": ('"loss.lambda_x" = 3\n[base.loss]\nlambda_x = 4  # <-', "loss.lambda_x = 4: given twice"),
    "axes that are no table": ('[[axes]]  # <-\n"loss.lambda_x" = [1]', "axes", "allowed: a table [axes]"),
    "axis over no key": ('[axes]\n"loss.type" = ["hinge"]  # <-', "loss.type: unknown key (there is: adversarial,"),
    "axis over an unknown option": (
        '[axes]\n"loss.adversarial" = ["lsgan"]\n"loss.adversarial.real_tagret" = [1, 2]  # <-',
        "loss.adversarial.real_tagret: unknown key",
        "did you mean 'real_target'?",
    ),
    "axis that is no list": ("[axes]\nmodel.width = 3  # <-", "model.width = 3: not a list of values"),
    "empty axis": ("[axes]\nmodel.width = []  # <-", "model.width = []: an axis without a value"),
    "bad axis value": (
        '[axes]\n"loss.adversarial" = [\n  "hinge",\n  "lsgn",  # <-\n]',
        'loss.adversarial = "lsgn": unknown adversarial loss',
        "did you mean 'lsgan'?",
    ),
    "misspelt spacing": ("[axes]\nloss.lambda_x = { lg = [1, 2], num = 3 }  # <-", "not a list", "mean 'log'?"),
    "two spacings": ("[axes]\nloss.lambda_x = { log = [1, 2], lin = [1, 2], num = 3 }  # <-", "not a list of values"),
    "log from zero": ("[axes]\nloss.lambda_x = { log = [0, 2], num = 3 }  # <-", "log needs finite numbers above 0"),
    "log of names": ("[axes]\nmodel.norm = { log = [1, 2], num = 3 }  # <-", "log needs a key that is a number"),
    "one end": ("[axes]\nloss.lambda_x = { lin = [1], num = 3 }  # <-", "lin needs two numbers [first, last]"),
    "no count": ("[axes]\nloss.lambda_x = { lin = [1, 2] }  # <-", "num needs a whole number from 2 to 10,000 "),
    "unknown word": ("[axes]\nloss.lambda_x = { lin = [1, 2], num = 3, base = 2 }  # <-", "unknown word 'base'"),
    "spaced value": ("[axes]\ndiscriminator.scales = { lin = [5, 6], num = 2 }  # <-", "= 6: out of range"),
    "labels too few": (
        '[axes]\nloss.lambda_x = { values = [1, 2], labels = ["a"] }  # <-',
        "loss.lambda_x labels",
        "1 labels for 2 values",
    ),
    "labels that repeat": ('[axes]\nloss.lambda_x = { values = [1, 2], labels = ["a", "a"] }  # <-', "repeat"),
    "labels that are numbers": ("[axes]\nloss.lambda_x = { values = [1, 2], labels = [1, 2] }  # <-", "not a list of"),
    "axis and zip": (
        '[axes]\n"train.steps" = [1, 2]\n[[zip]]  # <-\n"train.steps" = [1, 2]\n"train.log_every" = [1, 2]',
        "train.steps: varies already on line 6",
    ),
    "zip of unequal lengths": (
        '[[zip]]  # <-\n"train.steps" = [1, 2, 3]\n"train.log_every" = [1, 2]',
        "train.steps has 3, train.log_every has 2",
    ),
    "zip of one": ('[[zip]]  # <-\n"train.steps" = [1, 2, 3]', "zip: fewer than two keys", "belongs to [axes]"),
    "zip with a sentence for a label": (
        '[[zip]]\nlabel = "how long"  # <-\n"train.steps" = [1, 2]\n"train.log_every" = [1, 2]',
        "zip.label",
        "allowed: a word like betas",
    ),
    "zip with labels and no label": (
        '[[zip]]  # <-\nlabels = ["a", "b"]\n"train.steps" = [1, 2]\n"train.log_every" = [1, 2]',
        "zip.label: missing",
    ),
    "zip with too few labels": (
        '[[zip]]\nlabel = "a"\nlabels = ["b"]  # <-\n"train.steps" = [1, 2]\n"train.log_every" = [1, 2]',
        "zip labels",
        "1 labels for 2 values",
    ),
    "zip that is a table": ('[zip]  # <-\n"train.steps" = [1]', "allowed: tables under [[zip]]"),
    "exclude without a reason": (AXES + '[[exclude]]  # <-\nwhere = { "discriminator.scales" = 1 }', "exclude.reason"),
    "exclude with a number for a reason": (
        AXES + '[[exclude]]\nreason = 3  # <-\nwhere = { "discriminator.scales" = 1 }',
        "exclude.reason = 3: wrong type",
    ),
    "exclude without a where": (AXES + '[[exclude]]  # <-\nreason = "a"', "exclude.where: missing"),
    "empty where": (AXES + '[[exclude]]\nreason = "a"\nwhere = {}  # <-', "exclude.where = {}: wrong type"),
    "unknown word of an exclude": (
        AXES + '[[exclude]]\nreason = "a"\nwhere = { "discriminator.scales" = 1 }\nwen = 3  # <-',
        "exclude.wen: unknown key (there is: where, reason); did you mean 'where'?",
    ),
    "exclude of a fixed key": (
        AXES + '[[exclude]]\nreason = "a"\nwhere = { "loss.lambda_x" = 12 }  # <-',
        "loss.lambda_x: does not vary in this grid (there is: loss.adversarial, discriminator.scales)",
    ),
    "exclude of no key": (AXES + '[[exclude]]\nreason = "a"\nwhere = { "loss.x" = 1 }  # <-', "loss.x: unknown"),
    "exclude of a value off the axis": (
        AXES + '[[exclude]]\nreason = "a"\nwhere = { "discriminator.scales" = 2 }  # <-',
        "discriminator.scales = 2: not on the axis (there is: 1, 3)",
    ),
    "exclude that matches nothing": (
        AXES
        + '[design]\nkind = "star"\n'
        + '[[exclude]]\nreason = "a"\nwhere = { "loss.adversarial" = "lsgan", "discriminator.scales" = 3 }  # <-',
        "matches nothing that this design runs",
    ),
    "nothing left": (AXES + '[[exclude]]  # <-\nreason = "a"\nwhere.loss.adversarial = "hinge"\n'
                     + '[[exclude]]\nreason = "a"\nwhere.loss.adversarial = "lsgan"', "nothing is left to run"),
    "include without a label": ('[[include]]  # <-\nset = { "loss.lambda_x" = 3 }', "include.label: missing"),
    "include label": ('[[include]]\nset.train.steps = 3\nlabel = 3  # <-', "include.label = 3: wrong"),
    "include of nothing": ('[[include]]\nlabel = "a"\nset = {}  # <-', "include.set = {}: wrong type"),
    "include word": ('[[include]]\nlabel = "a"\nset.train.steps = 3\nlable = 3  # <-', "include.lable: unk"),
    "include without a set": ('[[include]]  # <-\nlabel = "a"', "include.set: missing"),
    "include of a bad value": ('[[include]]\nlabel = "a"\nset = { "loss.lambda_x" = -3 }  # <-', "out of range"),
    "two includes of one label": (
        '[[include]]\nlabel = "a"\nset = { "loss.lambda_x" = 3 }\n'
        '[[include]]\nset = { "loss.lambda_x" = 4 }\nlabel = "a"  # <-',
        'include.label = "a": another cell is called so',
    ),
    "include that makes no cell": (
        '[[include]]\nlabel = "a"\nset = { "loss.adversarial" = "none" }  # <-',
        "include.set: loss.adversarial = \"none\" trains no discriminator",
    ),
    "misspelt design": ('[design]\nkind = "stars"  # <-', "there is: full, star, leave-one-out); did you mean 'star'?"),
    "seeds twice": ("[seeds]  # <-\nvalues = [1]\ncount = 2", "seeds: values and count exclude each other"),
    "seed that repeats": ("[seeds]\nvalues = [1, 2, 1]  # <-", "seeds.values = [1, 2, 1]: 1 is listed twice"),
    "no seed": ("[seeds]\nvalues = []  # <-", "seeds.values = []: too few (allowed: a list of different"),
    "negative seed alone": ("[seeds]\nvalues = [-2]  # <-", "seeds.values[0] = -2: out of range"),
    "negative seed": ("[seeds]\nvalues = [\n  1,\n  -2,  # <-\n]", "seeds.values[1] = -2: out of range"),
    "one seed without a list": ("[seeds]\nvalues = 3  # <-", "a list of different whole numbers from 0"),
    "baseline off the axis": (
        AXES + '[compare]\nbaseline = { "loss.adversarial" = "hing" }  # <-',
        "not on the axis (there is: hinge, lsgan); did you mean 'hinge'?",
    ),
    "baseline of a fixed key": (AXES + '[compare]\nbaseline = { "model.width" = 8 }  # <-', "does not vary"),
    "baseline that is excluded": (
        AXES + '[compare]\nbaseline = { "discriminator.scales" = 3 }  # <-\n'
        '[[exclude]]\nreason = "a"\nwhere = { "discriminator.scales" = 3 }',
        "every combination that has it is excluded",
    ),
    "star whose middle is excluded": (
        AXES + '[[exclude]]  # <-\nreason = "a"\nwhere = { "loss.adversarial" = "hinge", "discriminator.scales" = 1 }\n'
        '[design]\nkind = "star"',
        "excluded, and the star design needs it",
    ),
    "zip that never has the baseline": (
        '[[zip]]\n"train.steps" = [1, 2]\n"train.log_every" = [3, 4]\n'
        '[compare]\nbaseline = { "train.steps" = 1, "train.log_every" = 4 }  # <-',
        "never have these values together",
    ),
    "ambiguous baseline": (
        '[axes]\n"loss.adversarial" = [{ name = "lsgan", real_target = 0.8 }, { name = "lsgan", real_target = 0.9 }]\n'
        '[compare]\nbaseline = { "loss.adversarial" = "lsgan" }  # <-',
        "several values of loss.adversarial agree with it",
    ),
    "unknown metric": ('[compare]\nprimary = ["psnr", "ms_sim"]  # <-', 'primary[1] = "ms_sim"', "mean 'ms_ssim'?"),
    "metric that judges nothing": (
        '[compare]\nprimary = ["sharpness_ratio"]  # <-',
        'primary[0] = "sharpness_ratio": sharpness_ratio describes, and no value of it is better',
        "there is: psnr",
    ),
    "margin of a metric that judges nothing": ("[compare]\nmargin = { sharpness = 0.1 }  # <-", "sharpness describes"),
    "distance that is not measured": ('[compare]\nprimary = ["fd_lite0_1280"]  # <-', "there is: fd_lite0_112"),
    "metric of whole images in a kept region": (
        'evaluation.kept = "random_box"\nevaluation.metrics = ["bpp_side"]\n[compare]\n'
        'primary = ["psnr@kept", "bpp_side@kept"]  # <-',
        "bpp_side is of whole images alone, as its function takes no region",
        "psnr@kept, ssim@kept, ms_ssim@kept",
    ),
    "margin of no metric": ("[compare]\nmargin = { psnrr = 0.1 }  # <-", "margin.psnrr = 0.1: unknown metric 'psnrr'"),
    "margin below zero": ("[compare]\nmargin = { psnr = -0.1 }  # <-", "compare.margin.psnr = -0.1: not a margin"),
    "margin in words": ('[compare]\nmargin.psnr = "small"  # <-', 'or a percentage like "1%"'),
    "way to match": ('[compare]\nrate_match = "bdrate"  # <-', "unknown way to match rates 'bdrate'"),
    "claimed axis that does not vary": (
        '[axes]\nloss.lambda_x = [1.0, 2.0]\n[compare]\naxes = ["loss.lambda"]  # <-',
        "compare.axes = \"loss.lambda\": does not vary",
        "did you mean 'loss.lambda_x'?",
    ),
    "curve of three points": (
        '[axes]\nloss.lambda_x = [1.0, 2.0, 3.0]\n[compare]\nrate_match = "bd"  # <-',
        "a curve needs an axis over 4 numbers or more",
    ),
    "level of significance": ("[compare]\nalpha = 5  # <-", "compare.alpha = 5: out of range"),
    "correction": ('[compare]\ncorrection = "holms"  # <-', "did you mean 'holm'?"),
    "time in words": ('[budget]\ncell_timeout = "two hours"  # <-', "not a time (there is: 2h, 90m, 30s"),
    "no time": ("[budget]\ncell_timeout = 0  # <-", "out of range"),
    "budget key": ("[budget]\nmax_hour = 3  # <-", "budget.max_hour: unknown key", "did you mean 'max_hours'?"),
    "no workers": ("[execution]\nworkers = 0  # <-", 'allowed: "auto" or a whole number at least 1'),
    "device": ('[execution]\ndevice = "gpu"  # <-', "there is: auto, cpu, cuda"),
    "too many cells": (
        "[axes]  # <-\nloss.lambda_x = { lin = [1, 2], num = 1000 }\ntrain.steps = { lin = [1, 999], num = 999 }",
        "more than 100,000 cells",
    ),
    "nothing to go back to": (
        '[base.data]\nsource = "folder"\n[[zip]]  # <-\ndata.train = ["a", "b"]\ndata.test = ["c", "d"]\n'
        '[design]\nkind = "leave-one-out"',
        "leave-one-out goes back to [base]",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), [(t, s) for t, *s in ONE_MISTAKE.values()], ids=list(ONE_MISTAKE))
def test_a_mistake_is_told_on_its_line_with_what_is_allowed(
    mistakes: Callable[[str], tuple[Mistake, ...]], text: str, said: list[str]
) -> None:
    marked = [number for number, line in enumerate((HEAD + text).splitlines(), 1) if "# <-" in line]
    found = mistakes(HEAD + text)
    assert {mistake.line for mistake in found} == set(marked), "\n".join(map(str, found))
    assert len({mistake.problem for mistake in found}) == 1
    for part in said:
        assert part in str(found[0])


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("schema = 1\nname = \n", 2, "not TOML"),
        ("schema = 1\n[base\nx = 1\n", 2, "not TOML"),
        ("schema = 1\n[base]\nx = 1\nx = 2\n", 4, "not TOML: Cannot overwrite a value"),
        ("schema = 1\n[axes]\nx = [1,\n  2,\n\n", 4, "not TOML"),
        ('[base]\npreset = "tiny"\n', 1, "schema: missing (allowed: schema = 1)"),
        ('schema = 2\n[base]\npreset = "tiny"\n', 1, "schema = 2: unknown schema (there is: 1)"),
        (f"schema = 1\na = 1{'0' * 5000}\n", 2, "out of range (allowed: a whole number of 64 bits)"),
        (f"schema = 1\na = 0x{'f' * 5000}\n", 2, "a: out of range (allowed: a whole number of 64 bits)"),
        (f"schema = 1\n\na = {'[' * 300}{']' * 300}\n", 3, "a: nested too deeply (allowed: 50 levels)"),
        (f"schema = 1\n\na = {'[' * 3000}{']' * 3000}\n", 3, "nested too deeply (allowed: 50 levels)"),
        ("schema = 1\n" + "[a" + ".a" * 3000 + "]\n", 2, "a: nested too deeply (allowed: 50 levels)"),
        ('schema = true\n[base]\npreset = "tiny"\n', 1, "schema = true: unknown schema"),
        ('schema = 1\n\nname = "a/b"\n[base]\npreset = "tiny"\n', 3, 'name = "a/b": not a name'),
        ('schema = 1\n\nname = ".hidden"\n[base]\npreset = "tiny"\n', 3, 'name = ".hidden": not a name'),
        ('schema = 1\n[base]\n\npreset = "tinny"\n', 4, "there is: hific, hific_small, paper, small, tiny, as_hific"),
        ("schema = 1\n[base]\npreset = 3\n", 3, "base.preset = 3: unknown preset"),
        ("schema = 1\nbase = 3\n", 2, "base = 3: wrong type (allowed: a table [base])"),
    ],
)  # fmt: skip
def test_a_mistake_of_the_whole_file_is_told_on_its_line(
    mistakes: Callable[[str], tuple[Mistake, ...]], text: str, line: int, said: str
) -> None:
    found = mistakes(text)
    assert (line, True) in [(mistake.line, said in str(mistake)) for mistake in found], "\n".join(map(str, found))


def test_all_mistakes_of_a_file_are_told_at_once_in_the_order_of_the_file(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    text = dedent("""\
        schema = 3  # <-
        nmae = "test"  # <-
        [base]
        preset = "tiny"
        loss.lambda_x = "12"  # <-
        [base.model]
        chanels = 8  # <-
        [axes]
        "loss.adversarial" = ["hinje", "lsgan"]  # <-
        "discriminator.scales" = [
            0,  # <-
            3,
            9,  # <-
        ]
        [[exclude]]  # <-
        where = { "discriminator.scales" = 4 }  # <-
        [seeds]
        count = 0  # <-
        [compare]
        primary = ["fid"]  # <-
        [execution]
        device = "tpu"  # <-
        """)
    marked = [number for number, line in enumerate(text.splitlines(), 1) if "# <-" in line]
    assert [mistake.line for mistake in mistakes(text)] == marked


def test_a_combination_that_makes_no_cell_names_its_values_and_the_exclude_to_add(
    mistakes: Callable[[str], tuple[Mistake, ...]], grid_file: Callable[[str], Path]
) -> None:
    text = HEAD + dedent("""\
        discriminator.norm = "instance"
        [axes]
        "loss.lambda_x" = [6, 12]
        "discriminator.scales" = [1, 3]
        "discriminator.layers" = [3, 4]
        """)
    (found,) = mistakes(text)
    assert found.line == 8
    assert found.key == "discriminator.scales = 3, discriminator.layers = 4"
    assert "the coarsest of 3 discriminators" in found.problem
    assert "the 2 combinations" in found.hint
    where = found.hint.partition("where = ")[2].partition(" and reason")[0]
    mended = read_grid(grid_file(f'{text}[[exclude]]\nwhere = {where}\nreason = "too deep for the crop"\n'))
    assert [excluded.count for excluded in mended.excluded] == [2]
    assert len(mended.points()) == 6


def test_a_value_that_never_makes_a_cell_is_told_once_and_alone(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    (found,) = mistakes(HEAD + '[axes]\n"loss.lambda_x" = [6, 12]\n"loss.adversarial" = [\n"hinge",\n"none"]\n')
    assert found.line == 9
    assert found.key == 'loss.adversarial = "none"'
    assert 'where = { "loss.adversarial" = "none" }' in found.hint


def test_an_axis_over_an_option_that_one_of_the_losses_lacks_names_the_exclude(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    (found,) = mistakes(
        HEAD + '[axes]\n"loss.adversarial" = ["lsgan", "hinge"]\n"loss.adversarial.real_target" = [0.9, 1.0]\n'
    )
    assert found.line == 6
    assert "unknown option of hinge 'real_target'" in found.problem
    assert 'where = { "loss.adversarial" = "hinge" }' in found.hint


def test_a_base_that_makes_no_cell_is_told_where_the_file_gives_the_key(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    (found,) = mistakes(HEAD + '\n[base.data]\ncrop = 50\n[axes]\n"loss.lambda_x" = [6, 12]\n')
    assert found.line == 7
    assert "data.crop = 50 must be a multiple of 4" in str(found)


def test_an_axis_whose_every_value_makes_no_cell_is_told_value_by_value(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    found = mistakes(HEAD + '[axes]\n"loss.lambda_x" = [6, 12]\n"data.crop" = [\n  50,\n  54,\n]\n')
    assert [mistake.line for mistake in found] == [8, 9]
    assert "data.crop = 54 must be a multiple of 4" in found[1].problem


def test_a_refused_value_brings_no_second_mistake_that_only_follows_from_it(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    (found,) = mistakes(HEAD + '[base.data]\nsource = "folder"\ntrain = 3\ntest = "a"\n')
    assert found.key == "data.train"


def test_a_misspelt_key_brings_no_second_mistake_that_the_key_would_have_mended(
    mistakes: Callable[[str], tuple[Mistake, ...]],
) -> None:
    (found,) = mistakes(HEAD + '[base.loss]\nadversarial = "none"\nfeature_maching = "none"\n')
    assert found.key == "loss.feature_maching"


def test_a_text_names_file_and_line_first_and_what_was_probably_meant_last(
    grid_file: Callable[[str], Path],
) -> None:
    path = grid_file(HEAD + 'loss.feature_matching = "pix2pixh"\n')
    with pytest.raises(GridError) as caught:
        read_grid(path)
    assert str(caught.value) == (
        f"{path}:5: loss.feature_matching = \"pix2pixh\": unknown feature matching 'pix2pixh' "
        f"(there is: {', '.join(feature_matchings)}); did you mean 'pix2pixhd'?"
    )


def test_a_missing_file_is_a_grid_error(tmp_path: Path) -> None:
    with pytest.raises(GridError, match=r"nowhere\.toml:1: cannot be read: No such file"):
        read_grid(tmp_path / "nowhere.toml")


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode())
    assert read_grid(path).name == "test"


def test_a_file_that_is_not_utf8_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "grid.toml"
    path.write_bytes(b'schema = 1\nname = "\xff"\n')
    with pytest.raises(GridError, match=r"grid\.toml:2: not UTF-8"):
        read_grid(path)


def test_a_long_value_is_cut(mistakes: Callable[[str], tuple[Mistake, ...]]) -> None:
    (found,) = mistakes(HEAD + f'model.norm = "{"x" * 500}"\n')
    assert found.found == '"' + "x" * 79 + "…"


def test_a_mistake_is_one_line_whatever_the_file_holds(mistakes: Callable[[str], tuple[Mistake, ...]]) -> None:
    (found,) = mistakes(HEAD + '[base.loss]\n"lamb\\nda\\u2028_x" = 3\n')
    assert len(str(found).splitlines()) == 1
    assert r"loss.lamb\nda\u2028_x: unknown key" in str(found)


def test_a_value_is_written_as_toml() -> None:
    assert toml_text({"a.b": [1, True, "x"], "c": 0.5}) == '{ "a.b" = [1, true, "x"], c = 0.5 }'


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ('"r1"', 'loss.penalties = "r1": wrong type (allowed: a list of names or tables'),
        ('["r1", "r3"]', "loss.penalties[1] = \"r3\": unknown penalty 'r3'"),
        ('[{ name = "r1", wieght = 2.0 }]', "loss.penalties[0].wieght = 2.0: unknown option of r1"),
        ('[{ name = "r1", weight = "much" }]', "loss.penalties[0].weight"),
        ('["r1", { name = "r1", every = 4 }]', "r1 is named twice"),
        ("[3]", "loss.penalties[0] = 3: wrong type"),
        (
            '["r1", { name = "bcr", reconstruction_weight = -2.0 }]',
            "loss.penalties[1].reconstruction_weight = -2.0: out of range (allowed: a finite number at least 0)",
        ),
        ('[{ name = "r1", weight = nan }]', "loss.penalties[0].weight = nan: out of range (allowed: a finite number"),
        (f'[{{ name = "r1", weight = 1{"0" * 400} }}]', "weight: out of range (allowed: a whole number of 64 bits)"),
    ],
)
def test_a_mistake_in_a_list_of_penalties_names_the_one_that_is_wrong(
    mistakes: Callable[[str], tuple[Mistake, ...]], value: str, said: str
) -> None:
    found = mistakes(HEAD + f"loss.penalties = {value}\n")
    assert any(mistake.line == 5 and said in str(mistake) for mistake in found), "\n".join(map(str, found))
