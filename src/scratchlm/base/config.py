"""Frozen configurations, filled from TOML files and `a.b=value` overrides.

Attribute docstrings are the help text. An unknown key answers "did you mean".
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from scratchlm.base.errors import UserError


class Config(BaseModel):
    """Base of every configuration: frozen, and strict about unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        ser_json_inf_nan="constants",
        protected_namespaces=(),
    )


ConfigT = TypeVar("ConfigT", bound=Config)


def build_config(
    cls: type[ConfigT], values: Mapping[str, Any], where: str = "recipe"
) -> ConfigT:
    """Validate a mapping into a configuration.

    Raises:
        UserError: an unknown key (with the nearest known one) or a bad value.
    """
    try:
        return cls.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(_explain(cls, error, where)) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UserError: missing or malformed, with the parser's line and column.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} does not exist") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None


def parse_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Turn `["train.lr=0.1", "name=x"]` into a nested mapping.

    A value is read as TOML where it is TOML (`3`, `true`, `[1, 2]`, `"x"`),
    otherwise it is a string.
    """
    result: dict[str, Any] = {}
    for override in overrides:
        key, sign, text = override.partition("=")
        if not sign or not key.strip():
            raise UserError(f"override {override!r} is not of the form a.b=value")
        result = merge(result, _nest(key.strip().split("."), _parse_value(text)))
    return result


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one nested mapping over another; `upper` wins."""
    result = dict(lower)
    for key, value in upper.items():
        below = result.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            result[key] = merge(below, value)
        else:
            result[key] = value
    return result


def dump_toml(value: Config | Mapping[str, Any]) -> str:
    """Write a configuration as TOML; absent values (`None`) are left out."""
    data = value.model_dump(mode="json") if isinstance(value, Config) else dict(value)
    return tomli_w.dumps(_without_none(data))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_none(item) for item in value]
    return value


def _nest(keys: list[str], value: Any) -> dict[str, Any]:
    for key in reversed(keys):
        value = {key: value}
    return dict(value)


def _parse_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explain(cls: type[Config], error: ValidationError, where: str) -> str:
    first = error.errors()[0]
    path = [str(part) for part in first["loc"]]
    name = ".".join(path)
    if first["type"] != "extra_forbidden":
        return f"{where}: {name} = {first.get('input')!r} is not valid: {first['msg']}"
    known = _known_keys(cls, path[:-1])
    near = difflib.get_close_matches(path[-1], known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
    return f"{where}: unknown key {name!r}; {hint}"


def _known_keys(cls: type[BaseModel], path: list[str]) -> list[str]:
    """The keys of what stands at a path; places in lists are passed over."""
    for part in path:
        if part.isdigit():
            continue
        field = cls.model_fields.get(part)
        inner = _model_of(field.annotation) if field else None
        if inner is None:
            return []
        cls = inner
    return sorted(cls.model_fields)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation holds: itself, in a list, or optional."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_of, get_args(annotation))), None)
