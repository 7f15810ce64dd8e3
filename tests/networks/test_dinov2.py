"""DINOv2's transformer: beside torchvision's, which has no layer scale, and by its own words where there is no peer."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torchvision.models.vision_transformer import VisionTransformer

from ablate.metrics import extractor
from ablate.networks import dinov2
from ablate.networks.dinov2 import DinoV2, Shape, prepared
from ablate.rng import stream

WIDTH, DEPTH, HEADS = 32, 3, 4


def drawn(tokens: int) -> DinoV2:
    network, random = DinoV2(Shape(WIDTH, DEPTH, HEADS, tokens)), stream(0, "test.dinov2")
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=random)
    return network.eval().requires_grad_(False)


def test_tokens_agree_with_torchvisions_transformer_where_the_scales_are_one() -> None:
    network = drawn(tokens=9)
    for block in network.blocks:
        block.ls1.gamma.fill_(1)
        block.ls2.gamma.fill_(1)
    peer = VisionTransformer(42, 14, DEPTH, HEADS, WIDTH, 4 * WIDTH).eval()
    state = network.state_dict()
    renamed = {
        "class_token": state["cls_token"],
        "encoder.pos_embedding": state["pos_embed"],
        "conv_proj.weight": state["patch_embed.proj.weight"],
        "conv_proj.bias": state["patch_embed.proj.bias"],
        "encoder.ln.weight": state["norm.weight"],
        "encoder.ln.bias": state["norm.bias"],
    }
    parts = {
        "norm1.": "ln_1.", "attn.qkv.": "self_attention.in_proj_", "attn.proj.": "self_attention.out_proj.",
        "norm2.": "ln_2.", "mlp.fc1.": "mlp.0.", "mlp.fc2.": "mlp.3.",
    }  # fmt: skip
    for layer in range(DEPTH):
        for ours, theirs in parts.items():
            for kind in ("weight", "bias"):
                name = f"encoder.layers.encoder_layer_{layer}.{theirs}{kind}"
                renamed[name] = state[f"blocks.{layer}.{ours}{kind}"]
    missing = peer.load_state_dict(renamed, strict=False)
    assert {name.partition(".")[0] for name in missing.missing_keys} == {"heads"}
    assert missing.unexpected_keys == []
    x = torch.randn(2, 3, 42, 42, generator=stream(1, "test.dinov2"))
    with torch.inference_mode():
        patches = peer._process_input(x)
        expected = peer.encoder(torch.cat([peer.class_token.expand(2, -1, -1), patches], 1))
        # float32 in another order, through three blocks
        torch.testing.assert_close(network.tokens(x), expected, rtol=1e-4, atol=1e-4)


def test_layer_scales_are_used() -> None:
    network, x = drawn(9), torch.randn(1, 3, 42, 42, generator=stream(1, "test.dinov2"))
    before = network.tokens(x)
    network.blocks[1].ls2.gamma.mul_(2)
    assert not torch.allclose(network.tokens(x), before)


def test_places_are_resized_with_the_releases_offset() -> None:
    network = drawn(tokens=37 * 37)
    grid = network.pos_embed[:, 1:].reshape(1, 37, 37, WIDTH).permute(0, 3, 1, 2)
    expected = F.interpolate(grid, scale_factor=(16.1 / 37, 16.1 / 37), mode="bicubic")
    found = network._places(16)
    assert found.shape == (1, 257, WIDTH)
    assert torch.equal(found[:, 0], network.pos_embed[:, 0])
    torch.testing.assert_close(found[0, 1:].T.reshape(WIDTH, 16, 16), expected[0])


def test_the_published_shape_is_vit_l() -> None:
    with torch.device("meta"):
        network = DinoV2()
    # the file has 1,217,586,395 bytes: four a number, and an archive's index of 344 entries
    assert 0 < 1_217_586_395 - 4 * sum(parameter.numel() for parameter in network.parameters()) < 344 * 400
    assert network.pos_embed.shape == (1, 1370, 1024)


def test_images_are_resized_and_normalised() -> None:
    grey = prepared(torch.full((1, 3, 64, 80), 255 * 0.456))
    assert grey.shape == (1, 3, 224, 224)
    torch.testing.assert_close(grey[0, 1], torch.zeros(224, 224), atol=1e-5, rtol=0)
    assert grey[0, 0].mean().item() == pytest.approx((0.456 - 0.485) / 0.229, abs=1e-5)


def test_absent_weights_are_an_error_that_says_where_to_get_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("ABLATE_DINOV2", f"{tmp_path}/none.pth")
    dinov2.pretrained.cache_clear()
    with pytest.raises(ValueError, match=r"fetch https://dl\.fbaipublicfiles\.com/dinov2"):
        extractor("dinov2")
