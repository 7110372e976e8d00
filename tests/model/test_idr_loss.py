"""The losses on IDR'."""

import pytest
import torch
from basicsr.losses import build_loss

import kdsr_model  # noqa: F401
from kdsr_model import IDRKLLoss, IDRL1Loss


@pytest.mark.parametrize(
    ("loss", "expected"),
    [(IDRL1Loss(), "l1"), (IDRKLLoss(), "kl_t015"), (IDRKLLoss(temperature=1), "kl_t1")],
)
def test_losses_agree_with_the_golden_values(golden, loss, expected):
    data = {key: torch.from_numpy(value) for key, value in golden("losses").items()}
    value = loss(data["idr_prime_student"], data["idr_prime_teacher"])
    torch.testing.assert_close(value, data[expected], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("name", ["IDRL1Loss", "IDRKLLoss"])
def test_losses_weigh_and_reach_the_student_alone(name):
    student, teacher = (torch.randn(3, 8, requires_grad=True) for _ in range(2))
    single = build_loss({"type": name})(student, teacher)
    double = build_loss({"type": name, "loss_weight": 2})(student, teacher)
    torch.testing.assert_close(double, 2 * single)
    single.backward()
    assert student.grad.any()
    assert teacher.grad is None


@pytest.mark.parametrize("loss", [IDRL1Loss(), IDRKLLoss()])
def test_equal_vectors_cost_nothing(loss):
    vector = torch.randn(2, 8)
    assert float(loss(vector, vector)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("loss", [IDRL1Loss(), IDRKLLoss()])
def test_losses_are_means_over_the_batch(loss):
    student, teacher = torch.randn(3, 8), torch.randn(3, 8)
    alone = torch.stack([loss(student[n : n + 1], teacher[n : n + 1]) for n in range(3)])
    torch.testing.assert_close(loss(student, teacher), alone.mean())
    assert (alone > 0).all()


def test_the_divergence_stays_finite_for_vectors_far_apart():
    student, teacher = torch.tensor([[300.0, 0.0]]), torch.tensor([[0.0, 300.0]])
    assert float(IDRKLLoss()(student, teacher)) == pytest.approx(300 / 0.15)


@pytest.mark.parametrize("loss", ["IDRL1Loss", "IDRKLLoss"])
def test_training_with_a_loss_brings_the_vectors_together(loss):
    student, teacher = torch.randn(3, 8, requires_grad=True), torch.randn(3, 8)
    loss = build_loss({"type": loss})
    optimizer = torch.optim.Adam([student], lr=0.05)
    before = float(loss(student.detach(), teacher))
    for _ in range(100):
        optimizer.zero_grad()
        loss(student, teacher).backward()
        optimizer.step()
    assert float(loss(student.detach(), teacher)) < before / 5


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="temperature: expected above 0, got 0"):
        IDRKLLoss(temperature=0)
