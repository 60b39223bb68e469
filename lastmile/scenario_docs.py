"""The reference of scenario files in Markdown, from the models and table schemas themselves."""

import json
from typing import Any

from pydantic import BaseModel

from lastmile.scenario import ScenarioFile
from lastmile.tables import describe_schema
from lastmile.tables.schemas import TABLES

_HEAD = """# Scenario files

A scenario is one TOML file; tables lie beside it. This page is written by `lastmile schema --markdown` from the
program's own definitions. Times are `HH:MM`, money is yuan, and every key's unit is in its name.
"""

_PHASES = """## Phases

Several dates `by` of targets of sites (`count`, `coverage`, `each_area`, `budget`) make phases, one for each date:

```toml
[[targets]]
measure = "count"
id = "first-stations"
text = "1,000 stations by 2018"
facility = "station"
by = 2018-12-31
minimum = 1000

[[targets]]
measure = "budget"
id = "first-money"
text = "20 million yuan until then"
category = "stations"
by = 2018-12-31
maximum_yuan = 20e6

[[targets]]
measure = "count"
id = "stations"
text = "3,000 stations by 2020"
facility = "station"
by = 2020-12-31
minimum = 3000
```

A site opens in one phase, with all its modules, and stays open. Where its facility says `modules_grow = true`, it opens
with one module or more, and more may come in later phases; sites that exist stay as they are. Numbers are of all that
is open by then: a minimum holds from its date on, a maximum or a budget (of all that was spent until then) on its date
alone, so state it again with a later date if it is to hold on. Targets without a date are due with the last; those of
vehicles and permits have no phases. With one date, or none, there are no phases and everything is due together.

The final network is chosen first, among those that leave the earlier phases' targets possible, if there are any. Each
earlier phase is then the best part of the network of the phase after it, and the proven gap of its value is to the best
such part: what pays for itself opens early, unless a maximum holds it back. Rounds are planned for the final network
and the parcels of the planned day, whatever `day` is.

Demand is that of the planned day in every phase, unless there are more or fewer parcels in some:

```toml
[[demand.phases]]
by = 2020-12-31
factor = 1.58
```

Sites and modules are then worth, and have room for, so many times the parcels of every place; shares of coverage stay
what they are.
"""


def reference() -> str:
    """Every key of a scenario file and every column of its tables."""
    schema = ScenarioFile.model_json_schema()
    definitions: dict[str, Any] = schema.get("$defs", {})
    parts = [_HEAD, _section("The file", schema)]
    parts += [_section(name, definitions[name]) for name in definitions]
    parts.append(_PHASES)
    parts.append("# Tables\n")
    parts += [f"## {table.name}\n\n{describe_schema(table).rstrip()}\n" for table in TABLES]
    return "\n".join(parts)


def _section(title: str, model: dict[str, Any]) -> str:
    required = set(model.get("required", ()))
    rows = [f"## {title}\n", f"{model.get('description', '').strip()}\n"]
    rows += ["| key | type | default | meaning |", "|---|---|---|---|"]
    for key, field in model.get("properties", {}).items():
        default = "required" if key in required else _shown(field.get("default"))
        rows.append(f"| `{key}` | {_type(field)} | {default} | {field.get('description', '')} |")
    return "\n".join(rows) + "\n"


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, BaseModel | dict):
        return "see there" if value else "–"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    for choice in ("anyOf", "oneOf"):
        if choice in field:
            return " or ".join(_type(option) for option in field[choice] if option.get("type") != "null")
    if field.get("type") == "array":
        if "prefixItems" in field:
            return "[" + ", ".join(_type(item) for item in field["prefixItems"]) + "]"
        return f"list of {_type(field.get('items', {}))}"
    if field.get("type") == "object":
        values = field.get("additionalProperties", {})
        return f"table of {_type(values)}" if isinstance(values, dict) else "table"
    words = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
    bounds = [
        f"{sign} {field[key]:g}"
        for key, sign in (("minimum", "≥"), ("exclusiveMinimum", ">"), ("maximum", "≤"))
        if key in field
    ]
    kind = "date" if field.get("format") == "date" else words.get(field.get("type", ""), "value")
    return " ".join([kind, *bounds])
