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


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match="temperature: expected above 0, got 0"):
        IDRKLLoss(temperature=0)
