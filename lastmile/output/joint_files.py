"""The files of joint delivery: a table of firms, one of coalitions, and a chart."""

from pathlib import Path
from typing import Final

from lastmile.joint import JointDelivery
from lastmile.output.plan_files import write_table
from lastmile.output.svg import document, tip, words_at

_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM = 640, 24, 96, 64, 16
_ROW, _BAR = 62, 16
_ALONE, _SHARE, _ERROR = "#c8553d", "#1b6ca8", "#222222"
_LABEL_MAX: Final = 60  # characters of a firm's name that fit


def firm_rows(made: JointDelivery) -> list[dict[str, object]]:
    """One row per firm; a saving is a share of the cost alone."""
    return [
        {
            "firm": firm.id,
            "name": firm.name,
            "orders": firm.orders,
            "parcels": firm.parcels,
            "alone_yuan": firm.alone_fen / 100,
            "share_yuan": round(firm.share_fen / 100, 2),
            "standard_error_yuan": None if firm.error_fen is None else round(firm.error_fen / 100, 2),
            "saving_yuan": round((firm.alone_fen - firm.share_fen) / 100, 2),
            "saving": None if firm.saving is None else round(firm.saving, 6),
            "better_alone": "; ".join(" + ".join(coalition) for coalition in firm.better_alone),
        }
        for firm in made.firms
    ]


def coalition_rows(made: JointDelivery) -> list[dict[str, object]]:
    """One row per planned coalition: its cost alone, and what its firms pay of the joint cost."""
    return [
        {
            "firms": " + ".join(one.firms),
            "size": len(one.firms),
            "alone_yuan": one.cost_fen / 100,
            "shares_yuan": round(made.paid_fen(one) / 100, 2),
            "sites": one.sites,
            "rounds": one.rounds,
            "vehicles": one.vehicles,
            "km": round(one.km, 3),
            "parcels": one.parcels,
            "unserved_orders": one.unserved,
            "violations": one.violations,
            "notes": "; ".join(one.notes),
        }
        for one in made.coalitions
    ]


def write_joint_files(made: JointDelivery, folder: Path) -> None:
    """Write joint.csv, coalitions.csv and joint.svg."""
    for name, rows in (("joint", firm_rows(made)), ("coalitions", coalition_rows(made))):
        write_table(folder / f"{name}.csv", rows[0], (row.values() for row in rows))
    (folder / "joint.svg").write_text(chart(made), encoding="utf-8")


def chart(made: JointDelivery) -> str:
    """Every firm's cost alone over its share of the joint cost, with the share's standard error."""
    highest = max(max(firm.alone_fen, firm.share_fen) for firm in made.firms)
    wide = _WIDTH - _LEFT - _RIGHT

    def across(amount_fen: float) -> float:
        return _LEFT + wide * max(amount_fen, 0.0) / max(highest, 1.0)

    apart, together = made.apart.cost_fen / 100, made.together.cost_fen / 100
    parts = [
        words_at(_LEFT, 22, f"{apart:,.0f} yuan a day apart, {together:,.0f} together", "start", "#222", bold=True),
        words_at(_LEFT, 44, "alone", "start", _ALONE),
        words_at(_LEFT + 48, 44, "share of the joint cost", "start", _SHARE),
    ]
    if made.synthetic:
        parts.append(words_at(_WIDTH - 12, 44, "synthetic city: made up", "end", "#777"))
    for index, firm in enumerate(made.firms):
        top = _TOP + _ROW * index
        name = firm.name or firm.id
        label = name if len(name) <= _LABEL_MAX else f"{name[: _LABEL_MAX - 1]}…"
        saving = "" if firm.saving is None else f" ({-firm.saving:+.1%})"
        parts.append(words_at(_LEFT, top + 14, f"{label}: {firm.parcels:,} parcels", "start", "#444"))
        for line, (amount, colour, note) in enumerate(((firm.alone_fen, _ALONE, ""), (firm.share_fen, _SHARE, saving))):
            y = top + 20 + (_BAR + 2) * line
            told = f"{amount / 100:,.0f}{note}"
            parts.append(
                f'<rect x="{_LEFT}" y="{y}" width="{across(amount) - _LEFT:.1f}" height="{_BAR}" fill="{colour}">'
                f"{tip(f'{name}: {told}')}</rect>"
            )
            parts.append(words_at(across(amount) + 5, y + 12, told, "start", colour))
        if firm.error_fen is not None:
            middle = top + 20 + _BAR + 2 + _BAR // 2
            low, high = across(firm.share_fen - firm.error_fen), across(firm.share_fen + firm.error_fen)
            parts.append(
                f'<line x1="{low:.1f}" y1="{middle}" x2="{high:.1f}" y2="{middle}" stroke="{_ERROR}" stroke-width="2"/>'
            )
    return document(_WIDTH, _TOP + _ROW * len(made.firms) + _BOTTOM, parts)
