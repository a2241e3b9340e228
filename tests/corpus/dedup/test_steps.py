from scratchlm.corpus.dedup.config import DedupConfig
from scratchlm.corpus.dedup.steps import build_dedup_steps

SECTIONS = ("url", "exact", "paragraph", "line", "near", "substring")


def only(*names):
    return DedupConfig.model_validate(
        {name: {"enabled": name in names} for name in SECTIONS}
    )


def test_steps_stand_in_their_order_and_only_those_switched_on():
    names = [step.name for step in build_dedup_steps(only(*SECTIONS))]
    assert len(names) == len(set(names)) == 6
    assert build_dedup_steps(only()) == []
    alone = [build_dedup_steps(only(section)) for section in SECTIONS]
    assert [step.name for (step,) in alone] == names


def test_every_step_has_canaries_and_ends_with_decisions_for_the_corpus():
    for step in build_dedup_steps(only(*SECTIONS)):
        assert len(step.canaries) >= 2
        assert step.rounds[0].scope == "shard"
        assert step.rounds[-1].scope == "corpus"


def test_all_steps_together_leave_one_of_each_thing(small_flow, document, prose):
    unique = [prose(seed, 300) for seed in range(12)]
    shared = prose(99, 80).strip()
    copies = [
        document("copy", unique[3]),
        document("address", "Other words.\n", url="https://a.org/1#x"),
        document("near", " ".join(unique[4].replace("a", "e", 1).split())),
        document("paragraph", f"{unique[5].strip()}\n\n{prose(50, 300)}"),
        document("stretch", f"{prose(51, 200)} in the midst {shared} and on"),
    ]
    made = [
        document(f"d{n}", text, url=f"http://a.org/{n}")
        for n, text in enumerate([*unique, f"{prose(52, 200)} here {shared} there"])
    ]
    flow = small_flow([made[:6], made[6:], copies])
    for step in build_dedup_steps(only(*SECTIONS)):
        flow.run(step)
    left = flow.texts()
    assert [d.id for d in made] == [id for id in left if id.startswith("d")]
    assert all(left[d.id] == d.text for d in made)
    assert set(left) - {d.id for d in made} == {"paragraph", "stretch"}
    assert " ".join(left["paragraph"].split()) == " ".join(prose(50, 300).split())
    assert left["stretch"].count(shared) == 0
