"""Compares the Parquet files of a demo run with what the local runner read back from them, and with the events as they were sent.

    python .ci/parquet.py FOLDER ROWS

FOLDER holds the buckets; every Parquet file under FOLDER/*/events is read, with DuckDB, which had no part in writing it. Its columns must
be those of the Glue table in template.yaml. ROWS has a JSON line for each row, {"row": as the runner read it back, "sent": the event it was
made of}. Prints one line, and exits 1 with a line for each difference.
"""

import collections
import datetime
import decimal
import json
import pathlib
import re
import sys

import duckdb

from project import read_template

TABLE = "events"

# Columns that hydrant sets: a member of such a name that a producer sends is an unknown one.
PROVENANCE = {"received_at", "producer", "request_id", "attempt", "extra"}

# What DuckDB calls Glue's types that hold no other.
SCALARS = {
    "string": "varchar", "boolean": "boolean", "tinyint": "tinyint", "smallint": "smallint", "int": "integer", "bigint": "bigint",
    "float": "float", "double": "double", "timestamp": "timestamp",
}


class Difference(Exception):
    """Something that is not as it should be, in a sentence."""


def table_of(template):
    """Answers ({column: type}, [partition key]) of the table. A type is as parse_type answers it."""
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Glue::Table" and resource["Properties"]["TableInput"]["Name"] == TABLE:
            table = resource["Properties"]["TableInput"]
            columns = {c["Name"]: parse_type(c["Type"]) for c in table["StorageDescriptor"]["Columns"]}
            return columns, [k["Name"] for k in table["PartitionKeys"]]
    raise Difference(f"template.yaml has no Glue table named {TABLE}")


def parse_type(text):
    """Answers a Glue type as DuckDB has it: a name, ("list", type), ("map", type, type) or ("struct", {name: type})."""
    if text in SCALARS:
        return SCALARS[text]
    outer, inner = re.fullmatch(r"(array|map|struct)<(.*)>", text).groups()
    parts = split_top(inner)
    if outer == "array":
        return ("list", parse_type(inner))
    if outer == "map":
        return ("map", *map(parse_type, parts))
    return ("struct", {name: parse_type(kind) for name, kind in (part.split(":", 1) for part in parts)})


def split_top(text):
    """Splits at the commas that stand in no angle brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char == "<") - (char == ">")
        if char == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def found_type(kind):
    """Answers a type of DuckDB's in the form of parse_type."""
    if kind.id == "list":
        return ("list", found_type(kind.children[0][1]))
    if kind.id == "map":
        return ("map", *(found_type(child) for _, child in kind.children))
    if kind.id == "struct":
        return ("struct", {name: found_type(child) for name, child in kind.children})
    return kind.id


def check_schema(connection, path, columns):
    relation = connection.read_parquet(str(path), hive_partitioning=False)
    found = {name: found_type(kind) for name, kind in zip(relation.columns, relation.types)}
    if list(found) != list(columns):
        raise Difference(f"{path.name}: its columns are {', '.join(found)}; the table has {', '.join(columns)}")
    for name, kind in columns.items():
        # A struct's members are compared in their order too: readers other than DuckDB go by it.
        if repr(found[name]) != repr(kind):
            raise Difference(f"{path.name}: column {name} is {found[name]}; the table has {kind}")


def read_rows(connection, paths, partitions):
    """Answers every row as {column: value}, without those that are NULL."""
    relation = connection.sql(
        "FROM read_parquet($paths, hive_partitioning = true, hive_types_autocast = false)", params={"paths": [str(p) for p in paths]}
    )
    missing = set(partitions) - set(relation.columns)
    if missing:
        raise Difference(f"the files do not lie in folders {', '.join(k + '=...' for k in sorted(missing))}")
    return [without_nulls(dict(zip(relation.columns, row))) for row in relation.fetchall()]


def without_nulls(value):
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def cast(value, kind):
    """Answers a JSON value as DuckDB has it in a column of that type; members that the type does not know are left out."""
    match kind:
        case _ if value is None:
            return None
        case "timestamp":
            return moment(value)
        case "float" | "double":
            return float(value)
        case "varchar" if isinstance(value, str):
            return text(value)
        case ("list", item):
            return [cast(v, item) for v in value]
        case ("map", _, item):
            return {text(name): cast(v, item) for name, v in value.items() if v is not None}
        case ("struct", members):
            return without_nulls({name: cast(value.get(name), member) for name, member in members.items()})
    return value


def moment(value):
    """Answers a time in UTC, cut to milliseconds, of an RFC 3339 text or of epoch milliseconds."""
    if isinstance(value, int):
        return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=value)
    at = datetime.datetime.fromisoformat(value).astimezone(datetime.timezone.utc).replace(tzinfo=None)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def text(value):
    """Answers a text with U+FFFD for what is no character, as the transform writes it."""
    return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def same(a, b):
    """Compares values of any depth; unlike == it tells true from 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def part_of(sent, stored):
    """Tells whether everything that was sent is stored; more may be, since defaults are filled in."""
    if isinstance(sent, dict) and isinstance(stored, dict):
        return all(name in stored and part_of(value, stored[name]) for name, value in sent.items())
    if isinstance(sent, list) and isinstance(stored, list):
        return len(sent) == len(stored) and all(map(part_of, sent, stored))
    return same(sent, stored)


def unknown(value, kind):
    """Answers what of a value its type does not know, in the value's own shape; None if that is nothing."""
    match kind:
        case ("struct", members) if isinstance(value, dict):
            rest = {name: v if name not in members else unknown(v, members[name]) for name, v in value.items()}
            return {name: v for name, v in rest.items() if v is not None or name not in members} or None
        case ("list", item) if isinstance(value, list):
            rest = [unknown(v, item) for v in value]
            while rest and rest[-1] is None:
                rest.pop()
            return rest or None
    return None


def compare_read(stored, row, columns):
    """Yields a sentence for each column in which a row is not what the runner read back."""
    read = {name: cast(value, columns.get(name, "varchar")) for name, value in row.items()}
    for name in sorted(stored.keys() | read.keys()):
        if not same(stored.get(name), read.get(name)):
            yield f"column {name} is {stored.get(name)!r}; the runner read {read.get(name)!r}"


def compare_sent(stored, sent, columns):
    """Yields a sentence for each member of an event that is not in its row."""
    extra = json.loads(stored["extra"], parse_float=decimal.Decimal) if "extra" in stored else {}
    # A column of another type of event is unknown to this one.
    known = {
        name: kind for name, kind in columns.items() if name not in PROVENANCE and (name in stored or name not in extra)
    }
    for name, kind in known.items():
        if sent.get(name) is not None and not part_of(cast(sent[name], kind), stored.get(name)):
            yield f"column {name} is {stored.get(name)!r}; {sent[name]!r} was sent"
    want = unknown(sent, ("struct", known)) or {}
    if not same(extra, want):
        yield f"column extra is {extra!r}; {want!r} was sent and is unknown"


def compare(stored, lines, columns):
    """Yields a sentence for each difference between the rows of the files and the lines of ROWS."""
    waiting = collections.defaultdict(list)
    for row in stored:
        waiting[row.get("request_id"), row.get("event_id")].append(row)
    for line in lines:
        row, sent = line["row"], line.get("sent")
        key = row.get("request_id"), row.get("event_id")
        if not waiting[key]:
            yield f"row {key[1]}: it is in no file"
            continue
        # Rows that have both ids in common come in the order of the files.
        match = waiting[key].pop(0)
        for difference in compare_read(match, row, columns):
            yield f"row {key[1]}: {difference}"
        if sent is not None:
            for difference in compare_sent(match, sent, columns):
                yield f"row {key[1]}: {difference}"
    for (_, event_id), rows in waiting.items():
        for _ in rows:
            yield f"row {event_id}: it is in a file, and the runner did not read it"


def main(folder, rows):
    columns, partitions = table_of(read_template())
    paths = sorted(folder.glob("*/events/**/*.parquet"))
    lines = [json.loads(line, parse_float=decimal.Decimal) for line in rows.read_text().splitlines()]
    if not paths or not lines:
        raise Difference(f"there is nothing to compare: {len(paths)} files under {folder}/*/events, {len(lines)} lines in {rows}")
    connection = duckdb.connect()
    for path in paths:
        check_schema(connection, path, columns)
    stored = read_rows(connection, paths, partitions)
    differences = list(compare(stored, lines, columns))
    if differences:
        raise Difference("\n".join(differences))
    sent = sum("sent" in line for line in lines)
    print(
        f"DuckDB read {len(stored)} rows of {len(columns)} columns from {len(paths)} Parquet file(s): "
        f"all as the runner read them back, {sent} as their events were sent"
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
    except Difference as difference:
        sys.exit(f"the Parquet files are not as they should be:\n{difference}")
