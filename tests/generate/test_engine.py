import pytest
import torch

from scratchlm.base.errors import UserError
from scratchlm.generate.config import Sampling
from scratchlm.generate.engine import generate, stream

PROMPTS = [[5], [9, 8, 7], [1, 2, 3, 4, 5, 6, 7], [9, 8, 7], [40] * 12, [3, 60]]
SAMPLED = Sampling(temperature=1.0, top_p=0.95, seed=11)


def naive(model, prompt, n):
    """Greedy generation without a cache, the whole sequence anew for each token."""
    ids = list(prompt)
    with torch.no_grad():
        for _ in range(n):
            ids.append(int(model(torch.tensor([ids]))[0, -1].argmax()))
    return ids[len(prompt) :]


def test_greedy_tokens_are_those_of_a_naive_loop(model):
    for prompt in PROMPTS[:3]:
        [completion] = generate(model, [prompt], 6)
        assert completion.ids == naive(model, prompt, 6)
        assert completion.reason == "length" and not completion.stopped


@pytest.mark.parametrize(
    ("sampling", "batch_size"), [(Sampling(), 64), (SAMPLED, 4)], ids=["best", "chance"]
)
def test_a_prompt_gets_the_same_in_company_as_alone(model, sampling, batch_size):
    together = generate(
        model, PROMPTS, 7, stop_ids=[7], sampling=sampling, batch_size=batch_size
    )
    for i, prompt in enumerate(PROMPTS):
        own = sampling.model_copy(update={"seed": sampling.seed + i})
        [alone] = generate(model, [prompt], 7, stop_ids=[7], sampling=own)
        assert together[i] == alone


def test_a_stream_gives_what_generate_gives(model):
    for sampling in (Sampling(), SAMPLED):
        options = (6, [7], sampling, [1, 2])
        [completion] = generate(model, [PROMPTS[2]], *options)
        assert list(stream(model, PROMPTS[2], *options)) == completion.ids


def test_a_stop_id_ends_a_completion_and_is_not_part_of_it(build_model):
    model = build_model()
    expected = naive(model, PROMPTS[2], 12)
    stop = expected[4]
    [completion] = generate(model, [PROMPTS[2]], 12, stop_ids=[stop])
    assert completion.ids == expected[: expected.index(stop)]
    assert completion.stopped and completion.reason == "stop"


def test_finished_rows_leave_and_the_others_go_on_unchanged(build_model):
    model = build_model()
    alone = {i: naive(model, prompt, 16) for i, prompt in enumerate(PROMPTS)}
    stops = {alone[0][0], alone[1][1], alone[4][2]}  # most rows end at once
    for i, completion in enumerate(generate(model, PROMPTS, 16, stop_ids=stops)):
        ends = [at for at, id in enumerate(alone[i]) if id in stops]
        assert completion.ids == alone[i][: ends[0] if ends else 16]


def test_forbidden_ids_never_come(build_model):
    model = build_model()
    hot = Sampling(temperature=3.0, seed=1)
    forbidden = [id for id in range(64) if id % 2]
    for sampling in (Sampling(), hot):
        for completion in generate(model, PROMPTS, 20, (), sampling, forbidden):
            assert completion.ids and all(id % 2 == 0 for id in completion.ids)


def test_a_seed_repeats_its_tokens_and_another_seed_does_not(build_model):
    model = build_model()
    sampled = [
        generate(model, [[1, 2]] * 2, 24, sampling=SAMPLED.model_copy(update=change))
        for change in ({}, {}, {"seed": 99})
    ]
    assert sampled[0] == sampled[1] != sampled[2]
    assert sampled[0][0] != sampled[0][1], "each request has its own chance"


def test_generation_ends_with_the_context(build_model):
    model = build_model(context_length=16, position="learned")
    context_length = model.config.context_length
    prompts = [[1] * (context_length - 3), [2], [3] * context_length]
    completions = generate(model, prompts, 1000)
    assert [len(completion.ids) for completion in completions] == [4, context_length, 1]
    assert {completion.reason for completion in completions} == {"context"}
    assert len(list(stream(model, prompts[0], 1000))) == 4


def test_a_prompt_that_cannot_be_read_is_refused_before_anything_runs(build_model):
    model = build_model()
    with pytest.raises(UserError, match="prompt"):
        generate(model, [[1], []], 4)
    with pytest.raises(UserError, match="prompt"):
        stream(model, [], 4)


def test_nothing_to_do_is_no_error(build_model):
    model = build_model()
    assert generate(model, [], 4) == []
    assert [c.ids for c in generate(model, [[1], [2]], 0)] == [[], []]
    assert list(stream(model, [1], 0)) == []


def test_inference_mode_ends_where_the_reader_has_the_token(build_model):
    for _ in stream(build_model(), [1], 3):
        assert not torch.is_inference_mode_enabled()
