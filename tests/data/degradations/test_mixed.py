"""The mixture of degradations: what it draws, that it repeats, and the messages for wrong options."""

import numpy as np
import pytest
import torch
from dataset_options import benchmark_block, training_block

from kdsr_data import BlindSRBenchmarkDataset, DegradedImageDataset, OptionError, build_degradation

BLUR = {"probability": 0.25, "type": "ClassicDegradation", "sigma": 2.0}
CLEAN = {"probability": 0.5, "type": "ClassicDegradation"}
RUINED = {"probability": 0.25, "type": "SecondOrderDegradation"}
MIXTURE = {"type": "MixedDegradation", "choices": [BLUR, CLEAN, RUINED]}


def build(*choices):
    return build_degradation({"type": "MixedDegradation", "scale": 4, "choices": list(choices)})


def without_probability(choice):
    return {key: value for key, value in choice.items() if key != "probability"}


def test_each_choice_comes_as_often_as_its_probability_says():
    mixture = build(BLUR, CLEAN, RUINED)
    rng = np.random.default_rng(0)
    drawn = [mixture.choices.index(mixture.choose(rng)) for _ in range(4000)]
    np.testing.assert_allclose(np.bincount(drawn) / 4000, [0.25, 0.5, 0.25], atol=0.03)


def test_an_image_is_degraded_as_its_choice_alone_would_do_it(gt):
    for certain in (BLUR, CLEAN, RUINED):
        choices = [{**choice, "probability": float(choice is certain)} for choice in (BLUR, CLEAN, RUINED)]
        alone = build_degradation({"scale": 4, **without_probability(certain)})
        rng = np.random.default_rng(5)
        rng.random()  # the draw of the choice
        np.testing.assert_array_equal(build(*choices)(gt, np.random.default_rng(5)), alone(gt, rng))


def test_the_same_seed_gives_the_same_image(gt):
    mixture = build(BLUR, CLEAN, RUINED)
    images = [mixture(gt, np.random.default_rng(seed)) for seed in range(20)]
    for seed, image in enumerate(images):
        np.testing.assert_array_equal(build(BLUR, CLEAN, RUINED)(gt, np.random.default_rng(seed)), image)
    assert len({image.tobytes() for image in images}) > 4


def test_a_choice_may_be_a_mixture(gt):
    inner = {"probability": 1.0, "type": "MixedDegradation", "choices": [{**BLUR, "probability": 1.0}]}
    blur = build_degradation({"scale": 4, **without_probability(BLUR)})
    np.testing.assert_array_equal(build(inner)(gt, np.random.default_rng(0)), blur(gt, np.random.default_rng(0)))


def test_what_a_mixture_sees_of_gt_holds_for_its_choices_that_say_nothing():
    own = {**BLUR, "degraded_size": 40}
    inner = {"type": "MixedDegradation", "choices": [{**own, "probability": 0.5}, CLEAN]}
    middle = {"type": "MixedDegradation", "choices": [{**inner, "probability": 1.0}]}
    mixture = build({**middle, "probability": 1.0, "degraded_size": 64})
    rng = np.random.default_rng(0)
    sizes = {choice.settings.sigma: choice.degraded_size for choice in (mixture.choose(rng) for _ in range(20))}
    assert sizes == {(2.0, 2.0): 40, None: 64}


def test_a_choice_sees_as_much_of_gt_as_it_asks_for(gt_folder, monkeypatch):
    seen = []
    original = type(build_degradation({"type": "ClassicDegradation", "scale": 4})).__call__

    def look(self, gt, rng):
        seen.append((self.settings.sigma, gt.shape[:2]))
        return original(self, gt, rng)

    monkeypatch.setattr("kdsr_data.degradations.classic.ClassicDegradation.__call__", look)
    wide = {**BLUR, "probability": 0.5, "degraded_size": 48}
    mixture = {"type": "MixedDegradation", "choices": [wide, {**CLEAN, "probability": 0.5}]}
    data_set = DegradedImageDataset(training_block(gt_folder, degradation=mixture))
    torch.manual_seed(0)
    samples = [data_set[index % len(data_set)] for index in range(30)]
    assert {size for sigma, size in seen if sigma} == {(48, 48)}
    assert {size for sigma, size in seen if not sigma} == {(32, 32)}
    assert all(sample["lq"].shape == (3, 8, 8) and sample["gt"].shape == (3, 32, 32) for sample in samples)


def test_a_benchmark_shows_each_image_under_one_draw_that_repeats(gt_folder):
    block = benchmark_block(gt_folder, settings=[MIXTURE, {**MIXTURE, "label": "second draw"}])
    data_set, again = BlindSRBenchmarkDataset(block), BlindSRBenchmarkDataset(block)
    assert {data_set[index]["setting"] for index in range(len(data_set))} == {"MixedDegradation", "second draw"}
    for index in range(len(data_set)):
        torch.testing.assert_close(data_set[index]["lq"], again[index]["lq"], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"choices": []}, "degradation.choices: is empty: expected a list of at least one"),
        ({"choices": [BLUR, CLEAN]}, "degradation.choices: expected probabilities that sum to 1, got 0.75"),
        ({"choices": [BLUR, CLEAN, {**RUINED, "probability": 2}]}, "degradation.choices.2.probability: .*less than"),
        ({"choices": [{**BLUR, "probability": "a"}]}, "degradation.choices.0.probability: .*number"),
        ({"choices": [without_probability(BLUR)]}, "degradation.choices.0.probability: is missing"),
        ({"choices": [{"probability": 1}]}, "degradation.choices.0.type: no degradation is registered as None"),
        ({"choices": [CLEAN, RUINED, {**BLUR, "sigma": -1}]}, "degradation.choices.2.sigma: expected 0..20, got -1"),
        ({"choices": [CLEAN, RUINED, {**BLUR, "sgima": 1}]}, "degradation.choices.2.sgima: unknown key; did you mean"),
        ({"choices": [{**RUINED, "first": {"noise_prob": 1}}]}, r"degradation.choices.0.first.noise_prob: unknown key"),
        ({"choices": [{**CLEAN, "scale": 2}]}, "degradation.choices.0.scale: 2 disagrees with the scale 4 above"),
        ({"choices": [{**CLEAN, "degraded_size": 0}]}, "degradation.choices.0.degraded_size: .*greater than"),
        ({"choices": [{**CLEAN, "probability": 1, "degraded_size": 30}]}, "choices.0.degraded_size: .*multiple of"),
        (
            {"choices": [{**CLEAN, "probability": 1, "degraded_size": 28}]},
            "choices.0.degraded_size: .*at least gt_size",
        ),
        ({"choice": []}, "degradation.choice: unknown key; did you mean 'choices'"),
        ({"choices": ["clean"]}, r"degradation.choices.0: "),
    ],
)
def test_a_mistake_is_named_by_its_path(gt_folder, change, message):
    with pytest.raises(OptionError, match=message):
        DegradedImageDataset(training_block(gt_folder, degradation={**MIXTURE, **change}))


def test_all_mistakes_are_named_at_once():
    with pytest.raises(OptionError) as caught:
        build({**BLUR, "sigma": -1}, {**RUINED, "first": {"jpeg_prob": 3}}, {"type": "Fog"})
    paths = [problem.path for problem in caught.value.problems]
    assert paths == [
        "degradation.choices.0.sigma",
        "degradation.choices.1.first.jpeg_prob",
        "degradation.choices.2.probability",
        "degradation.choices.2.type",
    ]
