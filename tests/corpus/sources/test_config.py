import pytest

from scratchlm.base.config import build_config
from scratchlm.base.errors import UserError
from scratchlm.corpus.sources.config import FetchConfig, SourceConfig


def test_every_setting_explains_itself():
    for config in (SourceConfig, FetchConfig):
        assert all(field.description for field in config.model_fields.values())


@pytest.mark.parametrize("name", ["", "a/b", "../up", "a b", ".hidden", "x" * 65])
def test_a_sources_name_is_fit_for_a_file_name(name):
    with pytest.raises(UserError, match="name"):
        build_config(SourceConfig, {"name": name})


def test_a_mistyped_setting_answers_with_the_nearest():
    with pytest.raises(UserError, match="did you mean 'licence'"):
        build_config(SourceConfig, {"license": "MIT"})
