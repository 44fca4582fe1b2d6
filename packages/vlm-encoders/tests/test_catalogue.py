"""The catalogue's facts against the libraries' own modules, and specs that need no torch."""

import subprocess
import sys
import textwrap
from dataclasses import replace

import pytest
import timm
import torch

from vlm_encoders import describe_encoder, encoder_spec, list_encoders
from vlm_encoders._facts import check_facts
from vlm_encoders._hf_configs import HF_CONFIGURATIONS
from vlm_encoders._wrap import wrap_model


def test_the_catalogue_holds_what_studies_name():
    assert {
        "clip-vit-b-16", "clip-vit-l-14", "clip-vit-l-14-336", "siglip-b-16", "siglip-so400m-14-384", "dinov2-s-14",
        "dinov2-b-14", "dinov2-l-14", "dinov2-g-14", "eva02-clip-b-16", "eva02-clip-l-14", "eva-clip-g-14",
        "vit-tiny-16", "efficientnet-lite0", "small-vit",
    } <= set(list_encoders())  # fmt: skip


@pytest.mark.parametrize("name", [name for name in list_encoders() if not name.startswith("raw-patches")])
def test_every_fact_of_the_catalogue_is_that_of_the_librarys_module(name):
    said = describe_encoder(name)
    with torch.device("meta"):
        if said.library == "open_clip":
            import open_clip
            from open_clip.model import CLIPVisionCfg, _build_vision_tower

            config = open_clip.get_model_config(said.model)
            vision = CLIPVisionCfg(**config["vision_cfg"])
            module = _build_vision_tower(config["embed_dim"], vision, config.get("quick_gelu", False))
        elif said.library == "transformers":
            import transformers

            kind, settings = HF_CONFIGURATIONS[said.model]
            module = getattr(transformers, kind.replace("Config", "Model"))(
                getattr(transformers, kind)(**settings)
            )
        elif said.library == "timm":
            module = timm.create_model(said.model)
        else:
            from vlm_encoders._small_vit import SmallViT

            module = SmallViT(size=said.size, patch=said.patch, width=said.width, depth=said.depth)
    check_facts(said, wrap_model(module, name=name, mean=said.mean, std=said.std).architecture)


def test_weights_of_the_catalogue_exist_in_their_libraries():
    import open_clip

    for name in list_encoders():
        said = describe_encoder(name)
        if said.library == "open_clip":
            assert said.tag in open_clip.list_pretrained_tags_by_model(said.model)
            settings = open_clip.get_pretrained_cfg(said.model, said.tag)
            assert (tuple(settings["mean"]), tuple(settings["std"])) == (said.mean, said.std)
            assert settings.get("quick_gelu", False) == said.model.endswith("-quickgelu")
        elif said.library == "timm" and not said.package:
            settings = timm.get_pretrained_cfg(f"{said.model}.{said.tag}")
            assert (tuple(settings.mean), tuple(settings.std)) == (said.mean, said.std)


def test_a_fact_that_is_not_so_is_refused():
    said = describe_encoder("vit-tiny-16")
    with pytest.raises(ValueError, match="the catalogue says depth 12, the timm module has 11"):
        check_facts(said, replace(said, depth=11))


def test_facts_outside_the_catalogue_are_not_known_before():
    with pytest.raises(ValueError, match="known once it is made"):
        encoder_spec("timm:resnet50")


def test_specs_and_names_are_checked_without_torch():
    code = """
        import sys, vlm_encoders as ve
        assert ve.encoder_spec("clip-vit-l-14-336").tokens == 576
        ve.training_options("last-2-blocks"); ve.list_encoders(); ve.SmallViTOptions()
        assert not {"torch", "timm", "transformers", "open_clip", "numpy"} & set(sys.modules), sorted(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_spec_digest_changes_with_every_setting():
    base = {"feature_layer": -2, "image_size": 224}
    changes = [
        {},
        {"feature_layer": -1},
        {"image_size": 112},
        {"final_norm": True},
        {"class_token": "drop"},
        {"resize": "crop"},
    ]
    digests = {encoder_spec("clip-vit-b-16", **{**base, **change}).digest() for change in changes}
    assert len(digests) == len(changes)
    assert encoder_spec("siglip-so400m-14-384").grid == (27, 27)
