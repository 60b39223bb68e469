"""The decoder of map files on files that are cut, altered or made to do harm: roads or a fault, nothing else."""

import contextlib
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pbf_bytes import (
    DENSE,
    LARGEST,
    NODE,
    RELATION,
    WAY,
    blob,
    block,
    deltas,
    dense,
    field,
    file_of,
    framed,
    header,
    info,
    message,
    node,
    packed,
    relation,
    varint,
    way,
)
from raw_roads import (
    BARRIER,
    FROM,
    GATE,
    HIGHWAY,
    HISTORY,
    NAME,
    ONEWAY,
    RESIDENTIAL,
    RESTRICTION,
    RULE,
    STREET,
    TEXTS,
    TYPE,
    YES,
    consistent,
    nodes_of,
    plain,
    read,
    ways_of,
)

from lastmile import _core
from lastmile.errors import InputError


def test_cut_file_is_refused_at_every_byte_but_those_between_blocks(fault_of, read_bytes):
    pieces = [blob(header(), kind=b"OSMHeader"), blob(nodes_of(1, 2)), blob(ways_of((5, [1, 2])), compress=False)]
    ends = np.cumsum([len(piece) for piece in pieces]).tolist()
    whole = b"".join(pieces)
    for size in range(len(whole)):
        if size in ends:
            # The format has no mark for the end of a file.
            assert consistent(read_bytes(whole[:size]))
        else:
            assert "cannot be read to its end" in fault_of(whole[:size]).cause


def test_cause_names_the_byte_of_the_block(fault_of):
    start, wrong = file_of(nodes_of(1, 2)), field(1, block(TEXTS, [(WAY, way(5, [1], keys=[99], values=[1]))]))
    byte = len(start) + len(framed(wrong)) - len(wrong)
    assert f"block at byte {byte}: an object has a text that the block lacks" in fault_of(start + framed(wrong)).cause


@pytest.mark.parametrize("content", [b"", b"<osm version='0.6'/>", b"\x00\x00\x00\x00", b"PK\x03\x04", bytes(100)])
def test_rubbish_is_refused(fault_of, content):
    assert "checksum" in fault_of(content).remedy


def test_missing_file_and_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.osm.pbf", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)


@pytest.mark.parametrize(("number", "name"), [(4, "lzma"), (5, "bzip2"), (6, "lz4"), (7, "zstd")])
def test_other_compression_is_named_with_its_remedy(fault_of, number, name):
    found = fault_of(file_of() + framed(message((2, 10), (number, b"0123456789"))))
    assert f"compressed with {name}" in found.cause
    assert "osmium cat" in found.remedy


def test_unknown_required_feature_is_named(fault_of):
    found = fault_of(file_of(required=("OsmSchema-V0.6", "Curves")))
    assert "Curves" in found.cause
    assert "OsmSchema" not in found.cause


BROKEN_BLOCKS = {
    "a number is cut off": [
        b"\x80",
        block(TEXTS, [(WAY, message((1, 5), (2, packed([HIGHWAY])), (3, packed([YES])), (8, b"\x80")))]),
        block(TEXTS, [(DENSE, field(1, b"\x80"))]),
        block(TEXTS, [(DENSE, dense([1, 2], [1], [1, 2]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[BARRIER, GATE]))]),
        block(TEXTS, [(DENSE, dense([1, 2], [1, 2], [1, 2], about=field(6, packed([1]))))]),
    ],
    "a number is too long": [b"\x80" * 10 + b"\x01"],
    "a field is longer than what holds it": [
        varint(1 << 3 | 2) + varint(2**64 - 1),
        varint(2 << 3 | 2) + varint(5) + b"1234",
        varint(9 << 3 | 1) + b"1234",
        varint(9 << 3 | 5) + b"123",
    ],
    "is of no known kind": [
        *(varint(1 << 3 | kind) for kind in (3, 4, 6, 7)),
        block(TEXTS, [(RELATION, relation(5, [(FROM, 1, 3)], **RULE))]),
        block(TEXTS, [(RELATION, relation(5, [(FROM, 1, -1)], **RULE))]),
    ],
    "a field has the number": [varint(0), varint(1 << 40)],
    "is of the wrong kind": [
        field(1, 7),
        field(17, b"100"),
        block(TEXTS, [(WAY, 7)]),
        block(TEXTS, [(WAY, field(1, b"5"))]),
        block(TEXTS, [(DENSE, field(1, 7))]),
    ],
    "occurs twice": [
        block(TEXTS, [(WAY, way(5, [1], **STREET) + field(8, deltas([2])))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1]) + field(1, b""))]),
    ],
    "the granularity is": [field(17, 0), field(17, -100), field(17, 2**31)],
    "a text that the block lacks": [
        block(TEXTS, [(WAY, way(5, [1], keys=[11], values=[YES]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY], values=[2**64 - 1]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY, NAME], values=[YES, 11]))]),
        block([], [(WAY, way(5, [1], keys=[0], values=[0]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[BARRIER, 11, 0])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[11, GATE, 0])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(NODE, node(1, 1, 1, keys=[BARRIER], values=[11])), (WAY, way(5, [1], **STREET))]),
        block(TEXTS, [(RELATION, relation(5, [(11, 1, 1)], **RULE))]),
        block(TEXTS, [(RELATION, relation(5, [], keys=[TYPE], values=[11]))]),
    ],
    "more keys than values, or fewer": [
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY, ONEWAY], values=[YES]))]),
        block(TEXTS, [(WAY, way(5, [1], keys=[HIGHWAY], values=[YES, YES]))]),
        block(TEXTS, [(RELATION, relation(5, [], keys=[TYPE], values=[]))]),
    ],
    "not as many ids as places": [
        block(TEXTS, [(DENSE, dense([1], [1, 2], [1]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1, 2]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], keys_values=[0, 0]))]),
        block(TEXTS, [(DENSE, dense([1], [1], [1], about=field(6, packed([1, 1]))))]),
    ],
    "not as many places as nodes": [
        block(TEXTS, [(WAY, way(5, [1, 2], **STREET) + message((9, deltas([1])), (10, deltas([1]))))]),
        block(TEXTS, [(WAY, way(5, [1], **STREET) + message((9, deltas([1, 2])), (10, deltas([1, 2]))))]),
        block(TEXTS, [(WAY, way(5, [1], **STREET) + field(9, deltas([1])))]),
    ],
    "not as many roles as members": [
        block(TEXTS, [(RELATION, message((1, 5), (2, packed([TYPE])), (3, packed([RESTRICTION])), (8, packed([0]))))]),
    ],
    "lacks its id": [
        block(TEXTS, [(WAY, b"")]),
        block(TEXTS, [(RELATION, b"")]),
        block(TEXTS, [(NODE, message((1, 1), (8, 1))), (WAY, way(5, [1], **STREET))]),
    ],
}


@pytest.mark.parametrize(
    ("cause", "content"), [(cause, content) for cause, contents in BROKEN_BLOCKS.items() for content in contents]
)
def test_broken_block_is_refused_with_its_cause(fault_of, cause, content):
    # The same wherever the block stands, packed or not.
    for compress in (True, False):
        assert cause in fault_of(file_of(content, compress=compress)).cause
        assert cause in fault_of(file_of(nodes_of(9), content, ways_of((6, [9])), compress=compress)).cause


@pytest.mark.parametrize(
    ("inner", "cause"),
    [
        (b"", "it holds no data"),
        (field(2, 10), "it holds no data"),
        (field(3, zlib.compress(b"")), "the size of its data is missing"),
        (message((1, b""), (1, b"")), "it holds data twice"),
        (message((2, LARGEST + 1), (3, b"")), "more than the 33554432 of the format"),
        (message((2, -1), (3, b"")), "more than the 33554432 of the format"),
        (message((2, 5), (3, zlib.compress(bytes(6)))), "does not unpack to the 5 bytes"),
        (message((2, 7), (3, zlib.compress(bytes(6)))), "does not unpack to the 7 bytes"),
        (message((2, 6), (3, zlib.compress(bytes(6))[:-1])), "does not unpack to the 6 bytes"),
        (message((2, 6), (3, b"no zlib stream")), "incorrect header check"),
    ],
)
def test_broken_blob_is_refused_with_its_cause(fault_of, inner, cause):
    assert cause in fault_of(file_of() + framed(inner)).cause


@pytest.mark.parametrize(
    ("head", "cause"),
    [
        (b"", "it has no type or no size"),
        (field(1, b"OSMData"), "it has no type or no size"),
        (message((1, b"OSMData"), (3, LARGEST + 1)), "more than the 33554432 of the format"),
        (message((1, b"OSMData"), (3, -1)), "more than the 33554432 of the format"),
        (message((1, b"OSMData"), (3, 1)), "but the file has only"),
        (message((1, b"OSMHeader"), (3, 0)), "a second file header"),
        (bytes((64 << 10) + 1), "more than the 65536 allowed"),
    ],
)
def test_broken_blob_header_is_refused_with_its_cause(fault_of, head, cause):
    assert cause in fault_of(file_of() + len(head).to_bytes(4, "big") + head).cause


def test_decompression_bomb_is_refused_in_bounded_memory(tmp_path):
    path = tmp_path / "bomb.osm.pbf"
    # 400 MB of zeros in 400 kB, said to be 100 bytes.
    stream = zlib.compressobj(9)
    packed_zeros = b"".join([*(stream.compress(bytes(1 << 20)) for _ in range(400)), stream.flush()])
    path.write_bytes(file_of() + framed(message((2, 100), (3, packed_zeros))))
    program = (
        "import resource, sys, pathlib\n"
        "from lastmile.errors import InputError\n"
        "from lastmile.geo.pbf import read_pbf\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try:\n"
        "    read_pbf(pathlib.Path(sys.argv[1]), way_filter={}, way_keys=frozenset(), way_suffixes=(),\n"
        "             node_keys=frozenset(), relation_filter=('a', 'b'))\n"
        "except InputError as error:\n    print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, path], capture_output=True, text=True, check=True)
    *said, kilobytes = done.stdout.splitlines()
    assert "does not unpack to the 100 bytes" in " ".join(said)
    assert int(kilobytes) < 20_000


text_bytes = st.binary(max_size=6) | st.text(max_size=4).map(str.encode)
# The borders of what UTF-8 allows: overlong forms, surrogates, the last code point.
text_bytes |= st.lists(st.sampled_from([b"\xc1", b"\xc2", b"\xe0", b"\xed", b"\xef", b"\xf0", b"\xf4", b"\xf5",
                                        b"\x7f", b"\x80", b"\x8f", b"\x90", b"\x9f", b"\xa0", b"\xbf"]),
                       max_size=5).map(b"".join)  # fmt: skip


@settings(max_examples=500)
@given(text=text_bytes)
def test_name_is_what_python_decodes_or_a_fault(one_folder, text):
    path = one_folder / "town.osm.pbf"
    street = way(5, [1], keys=[HIGHWAY, NAME], values=[RESIDENTIAL, len(TEXTS)])
    path.write_bytes(file_of(block([*TEXTS, text], [(WAY, street)]), compress=False))
    try:
        expected = text.decode()
    except UnicodeDecodeError:
        with pytest.raises(InputError, match="a text is not UTF-8"):
            read(path)
    else:
        (found,) = plain(read(path))["ways"]
        assert found[3] == expected


def test_text_that_nobody_asks_for_may_be_no_utf8(read_bytes):
    building = way(4, [1], keys=[len(TEXTS)], values=[len(TEXTS)])
    content = block([*TEXTS, b"\xff"], [(WAY, building), (WAY, way(5, [1], **STREET))])
    assert read_bytes(file_of(content)).way.tolist() == [5]


def test_generator_that_is_no_utf8_is_refused(fault_of):
    assert "block at byte" in fault_of(blob(field(16, b"\xff"), kind=b"OSMHeader")).cause


SMALL_BLOCKS = (
    block(TEXTS, [(DENSE, dense([1, 2, 3], [10, 20, 30], [1, 2, 3], keys_values=[0, BARRIER, GATE, 0, 0],
                                about=message((1, packed([1, 1, 2])), (6, packed([1, 1, 1])))))],
          [(NODE, node(4, 40, 4, keys=[BARRIER, NAME], values=[YES, YES], about=info(1, True)))]),
    block(TEXTS, [(WAY, way(5, [1, 2, 4], keys=[HIGHWAY, NAME], values=[RESIDENTIAL, YES], about=info(3, True))),
                  (WAY, way(5, [3], **STREET)), (WAY, way(6, [], keys=[ONEWAY], values=[YES])),
                  (WAY, way(7, [3, 1], **STREET) + message((9, deltas([1, 2])), (10, deltas([3, 4]))))]),
    block(TEXTS, [(RELATION, relation(8, [(FROM, 5, 1), (FROM, 2, 0)], **RULE))]),
)  # fmt: skip
SMALL = file_of(*SMALL_BLOCKS, required=HISTORY, compress=False)


@settings(max_examples=1500)
@given(
    changes=st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=4),
    drop=st.tuples(st.integers(0, len(SMALL)), st.integers(0, 3)),
    insert=st.tuples(st.integers(0, len(SMALL)), st.binary(max_size=3)),
    size=st.just(len(SMALL) + 3) | st.integers(0, len(SMALL)),
)
def test_altered_file_gives_roads_or_a_fault(one_folder, changes, drop, insert, size):
    content = bytearray(SMALL)
    for place, byte in changes:
        content[place] = byte
    content[insert[0] : insert[0]] = insert[1]
    del content[drop[0] : sum(drop)]
    path = one_folder / "town.osm.pbf"
    path.write_bytes(content[:size])
    try:
        roads = read(path)
    except InputError:
        return
    assert consistent(roads)


def test_every_single_byte_may_be_altered(read_bytes):
    assert consistent(read_bytes(SMALL))
    refused = 0
    for place in range(len(SMALL)):
        for byte in (0x00, 0x01, 0x7F, 0x80, 0xFF, SMALL[place] ^ 1, SMALL[place] ^ 0x80):
            try:
                assert consistent(read_bytes(SMALL[:place] + bytes([byte]) + SMALL[place + 1 :]))
            except InputError:
                refused += 1
    assert refused > len(SMALL)


@settings(max_examples=1000)
@given(base=st.sampled_from(SMALL_BLOCKS), data=st.data())
def test_decoders_take_any_bytes_or_raise_value_error(base, data):
    content = bytearray(base)
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, len(base) - 1), st.integers(0, 255)), max_size=3)):
        content[place] = byte
    ways = _core.WayReader([("highway", None)], ["oneway"], [":conditional"], ("type", "restriction"), True)
    nodes = _core.NodeReader(np.arange(10), ["barrier"], True)
    for decode in (_core.blob_header, _core.blob, _core.file_header, _core.holds_ways, ways.read, nodes.read):
        with contextlib.suppress(ValueError):
            decode(bytes(content))
    with contextlib.suppress(ValueError):
        assert len(ways.finish()["offset"]) >= 1
    nodes.tagged()


def test_nothing_is_given_out_after_a_broken_block():
    ways = _core.WayReader([("highway", None)], [], [], ("type", "restriction"), False)
    content = block(TEXTS, [(WAY, way(5, [1], **STREET)), (WAY, way(6, [1], **STREET)[:-1] + b"\x80")])
    with pytest.raises(ValueError, match="a number is cut off"):
        ways.read(content)
    for use in (ways.finish, lambda: ways.read(block(TEXTS))):
        with pytest.raises(ValueError, match="an earlier block could not be read"):
            use()


def test_places_are_given_only_of_nodes_that_were_looked_for():
    nodes = _core.NodeReader(np.array([1, 3]), [], False)
    with pytest.raises(ValueError, match="node 2 was not looked for"):
        nodes.places(np.array([1, 2]))
