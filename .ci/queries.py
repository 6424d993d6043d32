"""Parses the saved queries of template.yaml and the statements of its schedules as Athena does, and looks up every table and column that they name.

    python .ci/queries.py

A saved query reads, a schedule's statement writes: the columns that it gives must be the table's, in number, order and type. Exits 1 with a
line for each that Athena would refuse. CloudFormation takes any text for a query.
"""

import json
import subprocess
import sys

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from project import ROOT, read_template


def tables(resources):
    """Answers {table: {column: type}} of the Glue tables, with the column that Athena adds to each."""
    found = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Glue::Table":
            table = resource["Properties"]["TableInput"]
            columns = table["StorageDescriptor"]["Columns"] + table["PartitionKeys"]
            found[table["Name"]] = {column["Name"]: sql_type(column["Type"]) for column in columns} | {"$path": "VARCHAR"}
    return found


def sql_type(hive):
    """Answers Athena's name of a Glue type."""
    return exp.DataType.build(hive, dialect="hive").sql(dialect="athena")


def statements(resources):
    """Answers {logical id: text} of what the schedules have Athena run."""
    found = {}
    for id_, resource in resources.items():
        if resource["Type"] == "AWS::Scheduler::Schedule" and str(resource["Properties"]["Target"]["Arn"]).find(":athena:startQueryExecution") >= 0:
            found[id_] = json.loads(resource["Properties"]["Target"]["Input"]["Fn::Sub"][0])["QueryString"].strip()
    return found


def fault(sql, schema, kind=exp.Query):
    """Answers what is wrong with a query, or with a statement of that kind; or nothing."""
    try:
        found = sqlglot.parse(sql, dialect="athena")
        if len(found) != 1 or not isinstance(found[0], kind):
            return f"it is not one {'SELECT' if kind is exp.Query else kind.__name__.upper()}"
        unknown = {table.name for table in found[0].find_all(exp.Table)} - schema.keys()
        if unknown:
            return f"there is no table {', '.join(sorted(unknown))}"
        if isinstance(found[0], exp.Insert):
            return insert_fault(found[0], schema)
        qualify(found[0], schema=schema, dialect="athena")
    except sqlglot.errors.SqlglotError as error:
        return " ".join(str(error).split())
    return None


def insert_fault(insert, schema):
    """Answers what is wrong with an INSERT INTO table (columns) SELECT ..., or nothing."""
    table = {name: exp.DataType.build(kind, dialect="athena") for name, kind in schema[insert.this.this.name].items() if name != "$path"}
    into = [column.name for column in insert.this.expressions]
    if into != list(table):
        return f"it writes the columns {', '.join(into)}; the table has {', '.join(table)}"
    given = annotate_types(qualify(insert.expression, schema=schema, dialect="athena"), schema=schema, dialect="athena").selects
    if len(given) != len(into):
        return f"it gives {len(given)} columns for {len(into)}"
    for name, column in zip(into, given):
        # What is worked out has no name.
        if isinstance(column.unalias(), exp.Column) and column.unalias().name != name:
            return f"it gives {column.unalias().name} for {name}"
        # VARCHAR and TEXT are one to Athena.
        if str(column.type).replace("TEXT", "VARCHAR") != str(table[name]).replace("TEXT", "VARCHAR"):
            return f"it gives {column.type} for {name}, which is {table[name]}"
    return None


def main():
    template = read_template()
    schema = tables(template["Resources"])
    queries = {id_: r["Properties"]["QueryString"] for id_, r in template["Resources"].items() if r["Type"] == "AWS::Athena::NamedQuery"}
    inserts = statements(template["Resources"])
    asked = subprocess.run(["go", "run", "./pkg/tools/smoke", "-queries"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    queries |= {f"make smoke's query {n}": sql for n, sql in enumerate(asked, 1)}
    wrong = {id_: fault(sql, schema) for id_, sql in queries.items()} | {id_: fault(sql, schema, exp.Insert) for id_, sql in inserts.items()}
    for id_, message in wrong.items():
        if message:
            print(f"{id_}: {message}", file=sys.stderr)
    # A check that refuses nothing would pass everything.
    for sql in ["SELECT nothing FROM events", "SELECT event_id FROM event", "SELECT event_id, FROM events WHERE", "DROP TABLE events"]:
        if not fault(sql, schema):
            print(f".ci/queries.py takes {sql!r}", file=sys.stderr)
            return 1
    for sql in broken(next(iter(inserts.values()), "")):
        if not fault(sql, schema, exp.Insert):
            print(f".ci/queries.py takes {sql!r}", file=sys.stderr)
            return 1
    print(f"parsed {len(queries)} queries, saved ones and those of make smoke, and {len(inserts)} statements of schedules over {', '.join(schema)}")
    return 1 if any(wrong.values()) or not queries or not inserts else 0


def broken(insert):
    """Yields statements that Athena would refuse, or that put values into the wrong columns."""
    for old, new in [
        ('SELECT "event_id", "occurred_at", "user_id"', 'SELECT "event_id", "user_id", "occurred_at"'),
        ('SELECT "event_id", "occurred_at", "user_id"', 'SELECT "event_id", "occurred_at", "session_id"'),
        ('SELECT "event_id", ', "SELECT "),
        ('SELECT "event_id", ', 'SELECT cast("event_id" AS bigint), '),
        ('("event_id", "occurred_at", ', '("occurred_at", "event_id", '),
        ("INSERT INTO events_by_type", "INSERT INTO events_by_kind"),
        ("THEN date_format(occurred_at, '%Y-%m-%d') ELSE dt END", "THEN date(occurred_at) ELSE date(dt) END"),
        ("c.event_id = e.event_id", "c.id = e.event_id"),
    ]:
        changed = insert.replace(old, new, 1)
        if changed == insert:
            raise SystemExit(f".ci/queries.py: the statement has no {old!r} to break")
        yield changed


if __name__ == "__main__":
    sys.exit(main())
