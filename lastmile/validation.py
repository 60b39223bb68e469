"""From a TOML file to a valid :class:`~lastmile.scenario.ScenarioFile`, or every fault of it with its path."""

import difflib
import json
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from lastmile.errors import Fault, InputError
from lastmile.scenario import ScenarioFile


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file in UTF-8 or GB18030.

    Raises
    ------
    InputError
        When it cannot be read or is no TOML.
    """
    place = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        near = sorted(p.name for p in path.parent.glob("*.toml")) if path.parent.is_dir() else []
        hint = f"; the folder has {', '.join(near)}" if near else ""
        raise InputError.single(
            place=str(path), cause=f"cannot be read: {error.strerror}", remedy=f"give the path of a scenario file{hint}"
        ) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # TOML is UTF-8 by definition, but Chinese editors on Windows still save GB18030.
        try:
            text = raw.decode("gb18030")
        except UnicodeDecodeError as error:
            raise InputError.single(
                place=place, cause="is neither UTF-8 nor GB18030 text", remedy="save the file as UTF-8"
            ) from error
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError.single(
            place=place, cause=f"is no valid TOML: {error}", remedy="mend the line named here; see https://toml.io"
        ) from error


_REMEDIES: Final = {
    "int_type": "write a whole number, without quotes",
    "int_from_float": "write a whole number",
    "float_type": "write a number, without quotes",
    "string_type": 'write text in quotes: "…"',
    "bool_type": "write true or false, without quotes",
    "tuple_type": "write a list in square brackets: […]",
    "dict_type": "write a table",
    "model_type": "write a table of keys",
    "finite_number": "write a finite number",
    "date_from_datetime_parsing": "write a date as YYYY-MM-DD",
    "date_from_datetime_inexact": "write a date as YYYY-MM-DD, without a time",
    "string_too_short": "write some text",
    "string_too_long": "shorten it",
    "date_type": "write a date as YYYY-MM-DD, without quotes",
}
_BOUNDS: Final = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def validate(values: dict[str, Any], *, place: str) -> ScenarioFile:
    """Make a scenario of what its TOML file says, without reading its tables.

    Raises
    ------
    InputError
        With every fault.
    """
    try:
        # By way of JSON, where strict means what it means in TOML: a list for a tuple, but no text for a number.
        return ScenarioFile.model_validate_json(json.dumps(values, default=str, ensure_ascii=False))
    except ValidationError as error:
        items = error.errors(include_url=False)
        # A list whose every item is wrong is not also "too short".
        telling = [item for item in items if item["type"] != "too_short" or len(items) == 1]
        raise InputError([_fault(item, values, place) for item in telling]) from error


def _fault(item: Any, values: dict[str, Any], place: str) -> Fault:
    kind, raw_path = item["type"], tuple(item["loc"])
    path, model = _walk(raw_path)
    spot = f"{place}, {_spell(path, values)}" if path else place
    context = item.get("ctx", {})
    if kind == "extra_forbidden":
        key = str(path[-1])
        known = list(model.model_fields) if model is not None else []
        return Fault(place=spot, cause=f"unknown key {key!r}", remedy=nearest(key, known))
    if kind == "missing":
        return Fault(place=spot, cause="the key is missing", remedy=f"add it{_meaning(model, path)}")
    found = json.dumps(item.get("input"), ensure_ascii=False, default=str)
    found = found if len(found) <= 80 else found[:77] + "..."
    if kind in ("literal_error", "union_tag_invalid"):
        expected = str(context.get("expected") or context.get("expected_tags"))
        choices = [part.strip(" '") for part in expected.replace(" or ", ",").split(",")]
        return Fault(place=spot, cause=f"{found} is not a known value", remedy=nearest(str(item.get("input")), choices))
    if kind == "value_error":
        return Fault(place=spot, cause=f"{context.get('error')}", remedy=f"mend the value{_meaning(model, path)}")
    message = item["msg"][0].lower() + item["msg"][1:]
    if kind in _BOUNDS:
        return Fault(
            place=spot,
            cause=f"found {found}: {message}",
            remedy=message.replace("input should be", "write a number") + _meaning(model, path),
        )
    return Fault(place=spot, cause=f"found {found}: {message}", remedy=_REMEDIES.get(kind, "mend the value"))


def nearest(found: str, known: Iterable[str]) -> str:
    """A remedy for a name that is not known: the nearest one that is, or all of them."""
    known = [name for name in known if name]
    near = difflib.get_close_matches(found, known, n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(known)}"


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) in (Annotated, Union, UnionType, tuple, dict):
        for part in get_args(annotation):
            yield from _models_in(part)


def _walk(path: tuple[Any, ...]) -> tuple[tuple[Any, ...], type[BaseModel] | None]:
    """Drop what pydantic adds to a path (union tags), and find the model that holds its last key."""
    models: list[type[BaseModel]] = [ScenarioFile]
    holder: type[BaseModel] | None = ScenarioFile
    kept: list[Any] = []
    for step in path:
        if isinstance(step, int):
            kept.append(step)
            continue
        tagged = [
            m
            for m in models
            if m.model_fields.get("measure") and step in get_args(m.model_fields["measure"].annotation)
        ]
        if len(models) > 1 and tagged:
            models = tagged
            continue
        kept.append(step)
        holder = models[0] if models else None
        field = holder.model_fields.get(step) if holder is not None else None
        models = list(_models_in(field.annotation)) if field is not None else []
    return tuple(kept), holder


def _spell(path: tuple[Any, ...], values: Any) -> str:
    """``vehicles[0] 'trike'.battery.usable_kwh``: the path, with the id of what it leads through."""
    text = ""
    for step in path:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            values = None
        if isinstance(step, int):
            text += f"[{step}]"
            name = values.get("id") if isinstance(values, dict) else None
            text += f" {name!r}" if isinstance(name, str) else ""
        else:
            text += f".{step}" if text else str(step)
    return text


def _meaning(model: type[BaseModel] | None, path: tuple[Any, ...]) -> str:
    field = model.model_fields.get(str(path[-1])) if model is not None and path else None
    return f": {field.description}" if field is not None and field.description else ""
