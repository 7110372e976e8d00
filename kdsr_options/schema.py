"""From option blocks to frozen settings: types, limits, and error messages that name the key's path.

A settings class states each option, its default and its limits once. pydantic checks all of them and reports all
problems at the same time; this module turns its reports into sentences for the person who wrote the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from numpy.random import Generator
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    ValidationError,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, core_schema

from kdsr_options.numbers import to_number


class Problem(NamedTuple):
    """One thing wrong in an option file: the key's path, joined by dots, and a sentence."""

    path: str
    message: str


class OptionError(ValueError):
    """Everything that is wrong with the options, one line a problem."""

    def __init__(self, problems: Iterable[Problem]):
        self.problems = list(problems)
        super().__init__("\n".join(f"{path}: {message}" for path, message in self.problems))


class ProblemAt(ValueError):
    """What is wrong with one key of the block that a validator sees as a whole."""

    def __init__(self, key: str, message: str):
        self.key = key
        super().__init__(message)


class Settings(BaseModel):
    """Base of all settings: frozen, and a key that no field reads is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    @field_validator("*", mode="wrap")
    @classmethod
    def _refuse_guesses(cls, given: Any, make: ValidatorFunctionWrapHandler) -> Any:
        """Refuse text and switches for numbers, of which BasicSR's dict would still have what was given."""
        made = make(given)
        _refuse_guess(given, made)
        return made


def _refuse_guess(given: Any, made: Any) -> None:
    if isinstance(given, list) and isinstance(made, list):
        for one, other in zip(given, made, strict=True):
            _refuse_guess(one, other)
    elif isinstance(made, bool) and not isinstance(given, bool):
        raise ValueError(f"expected true or false, got {given!r}")
    elif isinstance(made, int | float) and not isinstance(made, bool) and isinstance(given, bool):
        raise ValueError(f"expected a number, got {given!r}")
    elif isinstance(made, int | float) and isinstance(given, str) and to_number(given.strip()) is not None:
        raise ValueError(f"expected a number, got {given!r}, which is text: take the quotes away")


Entry = TypeVar("Entry")
Block = dict[str, Any]
# Of an option that means nothing while it is empty: a block of keys, and a list.
FilledBlock = Annotated[Block, Field(min_length=1)]
FilledList = Annotated[list[Entry], Field(min_length=1)]
WHAT_IS_EXPECTED = {"Dictionary": "a block of keys", "List": "a list of at least one", "Text": "a text"}


class Range(NamedTuple):
    """The limits between which a parameter is drawn; equal limits make it fixed."""

    low: float
    high: float

    def draw(self, rng: Generator) -> float:
        """Draw uniformly; a fixed parameter uses up no random number."""
        return self.low if self.low == self.high else float(rng.uniform(self.low, self.high))


def _to_range(value: Any) -> Range:
    limits = value if isinstance(value, list | tuple) else (value, value)
    if len(limits) != 2 or not all(isinstance(n, int | float) and not isinstance(n, bool) for n in limits):
        raise ValueError(f"expected a number or [low, high], got {value!r}")
    if limits[0] > limits[1]:
        raise ValueError(f"expected [low, high] with low <= high, got {value!r}")
    return Range(float(limits[0]), float(limits[1]))


@dataclass(frozen=True)
class Within:
    """The limits of an option that is a number or a `[low, high]` pair: `Annotated[Range, Within(0, 20)]`."""

    low: float
    high: float

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Have pydantic make a range of what is given, and check it against the limits."""
        checked = core_schema.no_info_after_validator_function(self._check, handler(source))
        return core_schema.no_info_before_validator_function(_to_range, checked)

    def _check(self, value: Range) -> Range:
        if not self.low <= value.low <= value.high <= self.high:  # which NaN does not pass either
            got = value.low if value.low == value.high else list(value)
            raise ValueError(f"expected {self.low:g}..{self.high:g}, got {got}")
        return value


SettingsType = TypeVar("SettingsType", bound=Settings)


def read_settings(settings_class: type[SettingsType], opt: Mapping[str, Any], *, path: str) -> SettingsType:
    """Turn an option block into settings.

    Args:
        path: where the block stands in the file, as `datasets.train`.

    Raises:
        OptionError: naming every unknown key, missing key and impossible value by its path.
    """
    try:
        return settings_class.model_validate(dict(opt))
    except ValidationError as error:
        raise OptionError(_to_problem(detail, settings_class, path=path) for detail in error.errors()) from None


def collect(problems: list[Problem], check: Callable, *args: Any, **kwargs: Any) -> Any:
    """Run a check and give what it gives; when it raises OptionError, note its problems and give None."""
    try:
        return check(*args, **kwargs)
    except OptionError as error:
        problems.extend(error.problems)
        return None


def suggest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the known word closest to a misspelt one, or nothing."""
    close = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def unknown_key(path: str, key: str, known: Iterable[str]) -> Problem:
    """Report a key that nothing reads."""
    known = list(known)
    hint = suggest(key, known) or f"; known here: {', '.join(sorted(known))}"
    return Problem(join_path(path, key), f"unknown key{hint}")


def type_name(block: Any) -> str:
    """Return the `type` of a block as text, by which a registry can be asked whatever the block is."""
    return str(block.get("type") if isinstance(block, Mapping) else block)


def unknown_type(path: str, what: str, name: Any, registered: Iterable[str]) -> Problem:
    """Report a `type` that no registry holds."""
    registered = sorted(registered)
    hint = f"{suggest(name, registered)}; registered: {', '.join(registered)}"
    return Problem(path, f"no {what} is registered as {name!r}{hint}")


def join_path(*parts: Any) -> str:
    """Join the parts of a key's path, leaving out empty ones."""
    return ".".join(str(part) for part in parts if part != "")


def _to_problem(detail: ErrorDetails, settings_class: type[Settings], *, path: str) -> Problem:
    where = join_path(path, *detail["loc"])
    if detail["type"] == "extra_forbidden":
        *parents, key = detail["loc"]
        return unknown_key(join_path(path, *parents), str(key), _known_keys(settings_class, parents))
    if detail["type"] == "missing":
        return Problem(where, "is missing")
    if detail["type"] == "value_error":
        error = detail["ctx"]["error"]
        return Problem(join_path(where, getattr(error, "key", "")), str(error))
    if detail["type"] in ("dict_type", "model_type"):
        is_missing = detail["input"] is None
        return Problem(where, "is missing" if is_missing else f"expected a block of keys, got {detail['input']!r}")
    if detail["type"] in ("too_short", "string_too_short") and not detail["input"]:
        return Problem(where, f"is empty: expected {WHAT_IS_EXPECTED[detail['ctx'].get('field_type', 'Text')]}")
    message = detail["msg"].replace("Input should be", "expected")
    return Problem(where, f"{message}, got {detail['input']!r}")


def _known_keys(settings_class: type[Settings], parents: Iterable[Any]) -> list[str]:
    kind: Any = settings_class
    for key in parents:
        # In a block whose keys are names of the user's choice, all values are of one kind.
        kind = get_args(kind)[1] if get_origin(kind) is dict else kind.model_fields[key].annotation
        if get_origin(kind) is not dict:
            # Of a block that may be left out, `Settings | None`, the settings.
            kind = next((part for part in get_args(kind) if hasattr(part, "model_fields")), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]
