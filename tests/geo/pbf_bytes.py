"""OpenStreetMap PBF files byte by byte, for what no program writes: the numbers are those of the format's fields."""

import zlib

LARGEST = 32 << 20


def varint(number):
    """A number of variable length; negative ones as 64 bits."""
    number &= 2**64 - 1
    result = bytearray()
    while number > 0x7F:
        result.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*result, number])


def zigzag(number):
    return number << 1 if number >= 0 else (-number << 1) - 1


def field(number, value):
    """A field of a message: an int, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def message(*fields):
    return b"".join(field(number, value) for number, value in fields)


def packed(numbers):
    return b"".join(varint(number) for number in numbers)


def deltas(numbers):
    before = [0, *numbers]
    return packed(zigzag(number - last) for last, number in zip(before, numbers, strict=False))


def info(version=None, visible=None):
    return message(*([] if version is None else [(1, version)]), *([] if visible is None else [(6, int(visible))]))


def tags(keys, values):
    return (2, packed(keys)), (3, packed(values))


def node(number, x, y, *, keys=(), values=(), about=b""):
    return message((1, zigzag(number)), *tags(keys, values), (4, about), (8, zigzag(y)), (9, zigzag(x)))


def dense(numbers, xs, ys, *, keys_values=(), about=b""):
    return message((1, deltas(numbers)), (5, about), (8, deltas(ys)), (9, deltas(xs)), (10, packed(keys_values)))


def way(number, refs, *, keys=(), values=(), about=b""):
    return message((1, number), *tags(keys, values), (4, about), (8, deltas(refs)))


def relation(number, members, *, keys=(), values=(), about=b""):
    """``members``: role, id, kind."""
    roles, refs, kinds = zip(*members, strict=True) if members else ((), (), ())
    return message((1, number), *tags(keys, values), (4, about), (8, packed(roles)), (9, deltas(refs)),
                   (10, packed(kinds)))  # fmt: skip


NODE, DENSE, WAY, RELATION = 1, 2, 3, 4


def block(texts, *groups, scale=()):
    """``groups``: lists of (kind, object); ``scale``: more fields of the block."""
    table = message(*((1, text if isinstance(text, bytes) else text.encode()) for text in texts))
    return message((1, table), *((2, message(*group)) for group in groups), *scale)


def header(*required, generator="by hand"):
    return message(*((4, feature.encode()) for feature in required), (16, generator.encode()))


def blob(content, *, kind=b"OSMData", compress=True):
    inner = message((2, len(content)), (3, zlib.compress(content))) if compress else field(1, content)
    return framed(inner, kind=kind)


def framed(inner, *, kind=b"OSMData"):
    head = message((1, kind), (3, len(inner)))
    return len(head).to_bytes(4, "big") + head + inner


def file_of(*blocks, required=("OsmSchema-V0.6", "DenseNodes"), compress=True):
    return b"".join(
        [blob(header(*required), kind=b"OSMHeader"), *(blob(content, compress=compress) for content in blocks)]
    )
