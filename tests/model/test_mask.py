import torch

from scratchlm.model.mask import causal_mask, document_mask, near_mask, window_mask

CPU = torch.device("cpu")


def test_the_causal_mask_by_hand():
    expected = [[True, True, True, False], [True, True, True, True]]
    assert causal_mask(2, 4, CPU).tolist() == [[expected]]


def test_a_window_counts_the_looking_token():
    expected = [[False, True, True, False], [False, False, True, True]]
    assert window_mask(2, 4, 2, CPU).tolist() == [[expected]]
    assert torch.equal(window_mask(3, 3, 1, CPU)[0, 0], torch.eye(3, dtype=torch.bool))


def test_a_window_as_wide_as_the_text_is_the_causal_mask():
    for window in (5, 6, 99):
        assert torch.equal(window_mask(3, 5, window, CPU), causal_mask(3, 5, CPU))


def test_a_window_made_in_inference_serves_training_too():
    with torch.inference_mode():
        window_mask(4, 4, 3, CPU)
    scores = torch.randn(4, 4, requires_grad=True)
    kept = torch.where(window_mask(4, 4, 3, CPU), scores, 0.0)
    kept.square().sum().backward()
    assert scores.grad.count_nonzero() == 9


def test_documents_do_not_see_each_other_nor_the_padding():
    mask = document_mask(torch.tensor([[1, 1, 2, 0, 0]]))
    rows = ["x....", "xx...", "..x..", "...x.", "...xx"]
    assert mask.tolist() == [[[[letter == "x" for letter in row] for row in rows]]]


def test_one_document_is_the_causal_mask():
    ones = torch.ones(2, 6, dtype=torch.long)
    assert torch.equal(document_mask(ones), causal_mask(6, 6, CPU).expand(2, 1, 6, 6))


def test_nearness_goes_by_positions_not_by_columns():
    keys = torch.tensor([[0, 1, 2, 3], [0, 1, 9, 1]])
    mask = near_mask(torch.tensor([[4], [2]]), keys, 2)
    assert mask.shape == (2, 1, 1, 4)
    assert mask[0, 0, 0].tolist() == [False, False, False, True]
    assert mask[1, 0, 0].tolist() == [False, True, True, True]
