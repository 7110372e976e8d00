"""The student's GAN stage: who moves when, which losses see a sharpened GT, and where the VGG weights come from."""

import pytest
import torch
import torchvision
from basicsr.data import build_dataloader, build_dataset
from basicsr.utils import USMSharp
from option_files import OPTIONS, load_options, shrink
from training_steps import build, changed, feed, snapshot, step

SWITCHES = ("l1_gt_usm", "percep_gt_usm", "gan_gt_usm")


@pytest.fixture
def gan_options(gt_folder):
    options = load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml")
    return shrink(options, gt_folder=gt_folder)


def feed_picture(model):
    """Feed something with edges, which sharpening changes."""
    feed(model)
    gt = torch.zeros(2, 3, 128, 128)
    gt[:, :, 40:80, 50:90] = 0.7
    model.feed_data({"lq": torch.rand(2, 3, 32, 32), "gt": gt})


def test_a_step_moves_generator_and_discriminator_and_logs_all_losses(gan_options, tmp_path):
    model = build(gan_options, tmp_path)
    feed(model)
    before, before_d, before_teacher = map(snapshot, (model.net_g, model.net_d, model.net_teacher))
    step(model, 1)
    assert changed(model.net_g, before) == set(before)
    assert changed(model.net_d, before_d) == set(before_d)
    assert changed(model.net_teacher, before_teacher) == set()
    logged = {"l_idr", "l_pix", "l_g_gan", "l_d_real", "l_d_fake", "out_d_real", "out_d_fake"}
    assert set(model.get_current_log()) == logged


def test_the_generators_gradient_does_not_reach_the_discriminator(gan_options, tmp_path):
    model = build(gan_options, tmp_path)
    feed(model)
    model.net_d.requires_grad_(False)
    sum(model.compute_losses(1).values()).backward()
    assert all(p.grad is None for p in model.net_d.parameters())
    assert any(p.grad.any() for p in model.net_g.parameters())


def test_the_discriminator_may_begin_alone(gan_options, tmp_path):
    gan_options["train"]["net_d_init_iters"] = 1
    model = build(gan_options, tmp_path)
    feed(model)
    before, before_d = snapshot(model.net_g), snapshot(model.net_d)
    step(model, 1)
    assert changed(model.net_g, before) == set()
    assert changed(model.net_d, before_d)
    step(model, 2)
    assert changed(model.net_g, before)


def test_the_estimators_warm_up_leaves_the_discriminator_alone(gan_options, tmp_path):
    gan_options["train"] |= {"estimator_warmup_iter": 1, "total_iter": 3}
    model = build(gan_options, tmp_path)
    feed(model)
    before, before_d = snapshot(model.net_g), snapshot(model.net_d)
    step(model, 1)
    assert {name.split(".")[0] for name in changed(model.net_g, before)} == {"estimator"}
    assert changed(model.net_d, before_d) == set()
    step(model, 2)
    assert changed(model.net_d, before_d)


@pytest.mark.parametrize(
    ("scheduler", "main"),
    [
        ({"type": "MultiStepLR", "milestones": [1, 2], "gamma": 0.5}, [1, 0.5, 0.25]),
        ({"type": "CosineAnnealingRestartLR", "periods": [2], "eta_min": 0}, [1, 0.5, 0]),
    ],
)
def test_the_discriminators_schedule_counts_from_the_end_of_the_warm_up(gan_options, tmp_path, scheduler, main):
    gan_options["train"] |= {"estimator_warmup_iter": 3, "total_iter": 6, "scheduler": scheduler}
    model = build(gan_options, tmp_path)
    feed(model)
    lr, rates = gan_options["train"]["optim_d"]["lr"], []
    for current_iter in range(1, 7):
        step(model, current_iter)
        rates.append(model.optimizer_d.param_groups[0]["lr"] / lr)
    assert rates == pytest.approx([1, 1, 1, *main])


@pytest.mark.parametrize("switched", [(), *[(name,) for name in SWITCHES], SWITCHES])
def test_each_switch_sharpens_the_target_of_its_loss_alone(gan_options, tmp_path, switched):
    model = build(gan_options | {name: name in switched for name in SWITCHES}, tmp_path)
    seen = {}
    model.cri_pix = lambda sr, gt: seen.update(l1_gt_usm=gt) or (sr - gt).abs().mean()
    model.cri_perceptual = lambda sr, gt: seen.update(percep_gt_usm=gt) or ((sr - gt).abs().mean(), None)
    discriminated = []
    model.net_d.register_forward_pre_hook(lambda _, inputs: discriminated.append(inputs[0]))
    feed_picture(model)
    model.optimize_parameters(1)
    seen["gan_gt_usm"] = discriminated[1]  # after the generator's image, GT; then the generator's again
    sharp = USMSharp()(model.gt)
    assert not torch.equal(sharp, model.gt)
    for name in SWITCHES:
        torch.testing.assert_close(seen[name], sharp if name in switched else model.gt)


def test_the_teacher_sees_gt_as_it_is(gan_options, tmp_path):
    model = build(gan_options | dict.fromkeys(SWITCHES, True), tmp_path)
    feed_picture(model)
    gt = model.gt.clone()
    seen = []
    model.net_teacher.estimator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.optimize_parameters(1)
    assert torch.equal(seen[0], model.net_teacher.join(model.lq, gt))


def test_the_discriminator_sees_a_square_of_each_patch(gan_options, tmp_path):
    gan_options["train"]["gan_crop_size"] = 16
    model = build(gan_options, tmp_path)
    seen = []
    model.net_d.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    feed(model)
    torch.manual_seed(0)
    step(model, 1)
    assert [tuple(image.shape) for image in seen] == [(2, 3, 16, 16)] * 3
    whole = model.gt.unfold(2, 16, 1).unfold(3, 16, 1)  # (B, 3, rows, columns, 16, 16)
    places = (whole == seen[1][:, :, None, None]).all(dim=(-1, -2)).all(dim=1)[0].nonzero()
    assert len(places) == 1


def test_artifacts_cost_unless_the_averaged_network_is_further_from_gt(gan_options, tmp_path):
    gan_options["train"]["ldl_opt"] = {"type": "L1Loss", "loss_weight": 1.0}
    model = build(gan_options, tmp_path)
    feed(model)
    model.compute_losses(1)["l_g_ldl"].backward()
    assert any(p.grad.any() for p in model.net_g.parameters())
    assert all(p.grad is None for p in model.net_g_ema.parameters())
    model.net_g_ema.forward = lambda lq: model.output.detach() + 10
    assert model.compute_losses(1)["l_g_ldl"] == 0


@pytest.fixture
def vgg_file(tmp_path):
    """Make a file with random weights of a VGG19, its classifier shrunk away where BasicSR does not look."""
    network = torchvision.models.vgg19()
    path = tmp_path / "vgg19-dcbb9e9d.pth"
    torch.save(network.state_dict(), path)
    return path


def with_perceptual_loss(options):
    full = load_options(OPTIONS / "real_world/train_kdsr_real_student_gan.yml")
    options["train"]["perceptual_opt"] = full["train"]["perceptual_opt"]
    return options


@pytest.mark.filterwarnings("ignore:The parameter 'pretrained':UserWarning")
@pytest.mark.filterwarnings("ignore:Arguments other than a weight enum:UserWarning")
def test_the_perceptual_loss_uses_the_weights_of_the_options_path(gan_options, tmp_path, vgg_file):
    options = with_perceptual_loss(gan_options)
    options["path"]["pretrain_network_vgg"] = str(vgg_file)
    model = build(options, tmp_path)
    loaded = model.cri_perceptual.vgg.vgg_net.state_dict()["conv1_1.weight"]
    assert torch.equal(loaded, torch.load(vgg_file, weights_only=True)["features.0.weight"])
    feed(model)
    step(model, 1)
    assert model.get_current_log()["l_percep"] > 0


def test_pictures_without_gt_are_validated(gan_options, gt_folder, tmp_path):
    pictures = {"name": "v", "type": "SingleImageDataset", "dataroot_lq": str(gt_folder)}
    pictures["io_backend"] = {"type": "disk"}
    gan_options["datasets"]["val"] = pictures
    gan_options |= {"val": {"val_freq": 1}, "l1_gt_usm": True}
    model = build(gan_options, tmp_path)
    feed(model)
    step(model, 1)
    seen = []
    model.sharpen.register_forward_hook(lambda _, inputs, output: seen.append(inputs[0].shape))
    model.validation(build_dataloader(build_dataset(pictures | {"phase": "val"}), {"phase": "val"}), 1, None)
    assert seen == []  # what no loss looks at
    feed(model)
    step(model, 2)
    assert seen == [(2, 3, 32, 32)]
