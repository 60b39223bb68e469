"""Tables and chart of joint delivery: what they say, and that text of tables is only text in them."""

import csv
from xml.etree import ElementTree as ET

from lastmile.joint import Coalition, FirmShare, JointDelivery
from lastmile.output.joint_files import chart, write_joint_files

EVIL = '<script>alert("1")</script>'


def coalition(cost_fen, *firms):
    return Coalition(
        firms=firms, cost_fen=cost_fen, sites=1, rounds=1, vehicles=1, km=2.5, parcels=10, unserved=0, unpriced=0,
        violations=0,
    )  # fmt: skip


def firm(ident, alone_fen, share_fen, **more):
    given = {"name": "", "orders": 5, "parcels": 10, "error_fen": 12.0, "better_alone": ()}
    return FirmShare(id=ident, alone_fen=alone_fen, share_fen=share_fen, **(given | more))


# Apart 300 yuan, together 200; the second firm would rather stay alone.
MADE = JointDelivery(
    firms=(
        firm("=1+1", 20_000, 9000.0, name=EVIL),
        firm("bell\x07", 10_000, 11_000.0, better_alone=(("bell\x07",),), error_fen=None),
    ),
    coalitions=(coalition(20_000, "=1+1"), coalition(10_000, "bell\x07"), coalition(20_000, "=1+1", "bell\x07")),
    permutations=0,
    synthetic=True,
)


def test_chart_is_a_document_whose_texts_are_only_texts():
    root = ET.fromstring(chart(MADE))
    words = [text.text for text in root.findall(".//{*}text")]
    assert words[0] == "300 yuan a day apart, 200 together"
    assert "synthetic city: made up" in words
    assert f"{EVIL}: 10 parcels" in words
    assert "bell\N{REPLACEMENT CHARACTER}: 10 parcels" in words
    assert not root.findall(".//{*}script")
    widths = [float(bar.get("width")) for bar in root.findall(".//{*}rect")[1:]]
    assert [width / widths[0] for width in widths] == [1.0, 0.45, 0.5, 0.55]
    assert len(root.findall(".//{*}line")) == 1


def test_tables_say_who_saves_and_who_objects(tmp_path):
    write_joint_files(MADE, tmp_path)
    with (tmp_path / "joint.csv").open(encoding="utf-8-sig", newline="") as handle:
        first, second = csv.DictReader(handle)
    assert first["firm"] == "'=1+1", "no spreadsheet takes it for a formula"
    assert (first["saving_yuan"], first["saving"], first["standard_error_yuan"]) == ("110.0", "0.55", "0.12")
    assert (second["saving"], second["standard_error_yuan"], second["better_alone"]) == ("-0.1", "", "bell\x07")
    with (tmp_path / "coalitions.csv").open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["size"], row["alone_yuan"], row["shares_yuan"]) for row in rows] == [
        ("1", "200.0", "90.0"), ("1", "100.0", "110.0"), ("2", "200.0", "200.0"),
    ]  # fmt: skip
