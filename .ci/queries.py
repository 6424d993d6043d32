"""Parses the saved queries of template.yaml as Athena does, and looks up every table and column that they name.

    python .ci/queries.py

Exits 1 with a line for each query that Athena would refuse. CloudFormation takes any text for a query.
"""

import pathlib
import sys

import sqlglot
from samtranslator.yaml_helper import yaml_parse
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

ROOT = pathlib.Path(__file__).resolve().parent.parent


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


def fault(sql, schema):
    """Answers what is wrong with a query, or nothing."""
    try:
        statements = sqlglot.parse(sql, dialect="athena")
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            return "it is not one SELECT"
        unknown = {table.name for table in statements[0].find_all(exp.Table)} - schema.keys()
        if unknown:
            return f"there is no table {', '.join(sorted(unknown))}"
        qualify(statements[0], schema=schema, dialect="athena")
    except sqlglot.errors.SqlglotError as error:
        return " ".join(str(error).split())
    return None


def main():
    template = yaml_parse((ROOT / "template.yaml").read_text())
    schema = tables(template["Resources"])
    queries = {id_: r["Properties"]["QueryString"] for id_, r in template["Resources"].items() if r["Type"] == "AWS::Athena::NamedQuery"}
    wrong = {id_: fault(sql, schema) for id_, sql in queries.items()}
    for id_, message in wrong.items():
        if message:
            print(f"template.yaml: {id_}: {message}", file=sys.stderr)
    # A check that refuses nothing would pass everything.
    for sql in ["SELECT nothing FROM events", "SELECT event_id FROM event", "SELECT event_id, FROM events WHERE", "DROP TABLE events"]:
        if not fault(sql, schema):
            print(f".ci/queries.py takes {sql!r}", file=sys.stderr)
            return 1
    print(f"parsed {len(queries)} saved queries over {', '.join(schema)}")
    return 1 if any(wrong.values()) or not queries else 0


if __name__ == "__main__":
    sys.exit(main())
