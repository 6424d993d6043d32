"""Takes users out of what the local runner stored, by the steps of docs/erasure.md, and compares what is left with what was there.

    python .ci/erasure.py RUNNER DEMO GENERATOR BUILD FOLDER SEED

The page's commands run in bash, with a program in the place of the AWS CLI and a folder in that of the bucket. The query that they ask is read as
Athena reads it and run with DuckDB on the same files: it must find the objects that the program changes. Prints one line, and exits 1 with what is
not as it should be.
"""

import base64
import gzip
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys

import duckdb
import sqlglot

import parquet
import queries
import roundtrip
from project import ROOT, read_template

# The requests under events/api have them; the second is a part of another one's name in what is sent here.
USERS = ["user-1204", "user-0077", "it's a&b/c"]
# How a record's envelope begins; an event may have a member of that name, but not this.
ENVELOPE = '{"hydrant":1,"request_id":'
OTHERS = ["user-12041", "User-1204", None]

# It stands for the AWS CLI, version 2, as the page calls it: the bucket is the folder bucket, a query's state is that of STATE, and its answer found.csv.
AWS = """#!/usr/bin/env python3
import os, pathlib, shutil, sys
def stored(name):
    return pathlib.Path("bucket", name.removeprefix("s3://the-Bucket/")) if name.startswith("s3://the-Bucket/") else None
options = dict(zip(sys.argv, sys.argv[1:]))
match sys.argv[1:]:
    case ["cloudformation", "describe-stack-resource", *_]:
        print("the-" + options["--logical-resource-id"])
    case ["athena", "start-query-execution", *_]:
        pathlib.Path("asked").write_text(options["--query-string"])
        print("q-1")
    case ["athena", "get-query-execution", *_]:
        print(os.environ["STATE"] if options["--query"].endswith(".State") else "COLUMN_NOT_FOUND: line 1:8")
    case ["s3api", "list-objects-v2", *_]:
        print("\\n".join(sorted(p.relative_to("bucket").as_posix() for p in pathlib.Path("bucket/source").rglob("*") if p.is_file())) or "None")
    case ["s3", "cp", *_, "s3://the-Bucket/athena/q-1.csv", "-"]:
        print(pathlib.Path("found.csv").read_text(), end="")
    case ["s3", "cp", *_, source, target]:
        target = stored(target) or pathlib.Path(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(stored(source) or source, target)
    case ["s3", "rm", *_, target]:
        stored(target).unlink()
    case other:
        sys.exit(f"unexpected: {other}")
"""


def page():
    """Answers the page's query and its program, and the commands around it: the functions that they call, step 1 and step 2."""
    text = (ROOT / "docs/erasure.md").read_text()
    (query,), (program,), (first, second) = (re.findall(rf"```{language}\n(.*?)```", text, re.S) for language in ("sql", "python", "bash"))
    functions = re.search(r"```bash\n(stack=.*?)```", (ROOT / "docs/operate.md").read_text(), re.S)[1]
    return query, program, functions, first, second


class Shell:
    """A shell in a folder with the bucket in it, set up as the pages say."""

    def __init__(self, folder, bucket, query, program, functions):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(bucket, folder / "bucket")
        self.folder, self.functions = folder, functions
        (folder / "which.sql").write_text(query)
        (folder / "erase.py").write_text(program)
        for name, text in {"bin/aws": AWS, ".cache/venv/bin/python": f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)

    def run(self, commands, state="SUCCEEDED"):
        env = os.environ | {"STATE": state, "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", self.functions + commands], cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def lines(self, name):
        path = self.folder / name
        return path.read_text().splitlines() if path.exists() else None


def walk(shell, first, second, user, template):
    """Does the page's steps for a user, and answers the keys that step 1 found in the tables."""
    bucket = shell.folder / "bucket"
    first = first.replace(f"user='{USERS[0]}'", "user='" + user.replace("'", "'\\''") + "'")
    code, said, why = shell.run(first, "FAILED")
    if code == 0 or "COLUMN_NOT_FOUND" not in why or said or shell.lines("keys") is not None:
        raise parquet.Difference(f"step 1 of a query that fails ends with {code}, prints {said!r} and {why!r}, and has the keys {shell.lines('keys')}")
    for n in range(2):  # the second time, to see that it is done
        found = asked((shell.folder / "asked").read_text(), bucket, template)
        (shell.folder / "found.csv").write_text("".join(f'"{a}","{b}"\n' for a, b in [("object", "events"), *((f"s3://the-Bucket/{key}", 1) for key in sorted(found))]))
        code, said, why = shell.run(first)
        source = {path.relative_to(bucket).as_posix() for path in bucket.glob("source/**/*.gz")}
        fetched = {path.relative_to(shell.folder / "erase").as_posix() for path in shell.folder.glob("erase/**/*") if path.is_file()}
        if code != 0 or why or f"{len(found)} objects" not in said or fetched != found | source:
            raise parquet.Difference(f"step 1 for {user} ends with {code}, prints {said!r} and {why!r}, and fetches {sorted(fetched)}; found are {sorted(found)}")
        if n == 0:
            all_found = found
        elif found:
            raise parquet.Difference(f"{user} is still in {sorted(found)}")
        code, said, why = shell.run(f"bucket=the-Bucket user=$(cat user)\n{second}")
        if code != 0 or why or n == 1 and any(not line.startswith("leave\tsource/") for line in said.splitlines()):
            raise parquet.Difference(f"step 2 for {user}, time {n + 1}, ends with {code}, prints {said!r} and {why!r}")
    return all_found


def stored(runner, demo, generator, build, folder, seed):
    """Has the runner store events of the users and of others: in the table, the quarantine and the backup; answers the bucket's folder."""
    rng = random.Random(seed)
    subprocess.run([demo, "-runner", runner, "-quiet", "-data", folder / "demo", "-build", build], check=True, stdout=subprocess.DEVNULL)
    events = [e for e in roundtrip.generate(generator, seed, 200) if "user_id" not in json.loads(e["event"])]
    for event in events:
        if user := rng.choice([*USERS, *OTHERS]):
            event["event"] = event["event"].replace("{", f'{{"user_id": "{user}", ', 1)
    flags = [*roundtrip.FLAGS, "-parameter", "SourceBackup=Enabled"]
    roundtrip.play(runner, build, folder / "more", roundtrip.batches(events, rng), flags)
    bucket = folder / "bucket"
    for part in ("demo", "more"):
        for path in (folder / part).glob("s3/*/*/**/*"):
            key = path.relative_to(next((folder / part / "s3").iterdir()))
            if path.is_file() and key.parts[0] in ("events", "quarantine", "source"):
                (bucket / key).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, bucket / key)
    # A row of the quarantine that was cut off within its text, and one of somebody else.
    path = next(bucket.glob("quarantine/**/*.json.gz"))
    row = json.loads(gzip.decompress(path.read_bytes()).splitlines()[0])
    rows = [row | {"data": None, "raw": base64.b64encode(raw).decode()} for raw in (b'{"user_id":"user-1204","ur', b'{"user_id":"nobody')]
    rows.append(row | {"data": '{"type":"page_view","user_id":"user-1204"}', "raw": None})
    path.write_bytes(gzip.compress(b"".join(json.dumps(r).encode() + b"\n" for r in rows) + gzip.decompress(path.read_bytes())))
    # Records that are no JSON: with a user in it, and without.
    path = next(bucket.glob("source/**/*.gz"))
    path.write_bytes(gzip.compress(b'{"user_id":"user-1204",' + gzip.decompress(path.read_bytes()) + b"no JSON"))
    # A file as the compaction would write it: Athena gives no ending to its name.
    path = bucket / "events_by_type/type=page_view/event_date=2026-11-22/20261122_012000_00001"
    path.parent.mkdir(parents=True)
    duckdb.execute(f"COPY (SELECT *, '2026-11-22' AS dt FROM read_parquet('{bucket}/events/**/*.parquet', hive_partitioning = false)) TO '{path}' (FORMAT parquet)")
    return bucket


def source_events(path):
    """Yields the events of a backup, one by one, as their text."""
    text, at = gzip.decompress(path.read_bytes()).decode(), 0
    while at < len(text):
        try:
            record, at = json.JSONDecoder().raw_decode(text, at)
        except ValueError:
            begin, at = at, (text.find(ENVELOPE, at + 1) + len(text) + 1) % (len(text) + 1)
            yield json.dumps({"text": text[begin:at]})
            continue
        data = record["data"]
        yield from (json.dumps(event, sort_keys=True) for event in (data if isinstance(data, list) else [data]))


def content(bucket):
    """Answers {key: [its rows, lines or events]}."""
    found = {}
    for path in bucket.rglob("*"):
        if path.is_file():
            key = path.relative_to(bucket).as_posix()
            if key.startswith("events"):
                relation = duckdb.sql(f"FROM read_parquet('{path}', hive_partitioning = false)")
                found[key] = [dict(zip(relation.columns, row)) for row in relation.fetchall()]
                found[key, "types"] = [list(map(str, relation.columns)), list(map(str, relation.types))]
            elif key.startswith("quarantine"):
                found[key] = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
            else:
                found[key] = list(source_events(path))
    return found


def without(key, items, user):
    """Answers what has to be left of an object."""
    if key.startswith("events"):
        return [row for row in items if row["user_id"] != user]
    if key.startswith("source"):
        return [event for event in items if json.loads(event).get("user_id") != user and f'\\"{user}\\"' not in event]

    def names(row):
        raw = base64.b64decode(row.get("raw") or "").decode(errors="replace")
        data = json.loads(row.get("data") or "null")
        return user in raw or isinstance(data, dict) and data.get("user_id") == user

    return [row | {"data": None, "raw": None} if names(row) else row for row in items]


def asked(query, bucket, template):
    """Answers the keys that a query as the page asks it finds."""
    if fault := queries.fault(query, queries.tables(template["Resources"])):
        raise parquet.Difference(f"the page's query: {fault}")
    for table, source in {
        "events": f"read_parquet('{bucket}/events/**/*.parquet', filename = true, hive_partitioning = false)",
        "events_by_type": f"read_parquet('{bucket}/events_by_type/*/*/*', filename = true, hive_partitioning = false)",
        "quarantine": f"read_json('{bucket}/quarantine/**/*.gz', format = 'newline_delimited', filename = true, columns = {{data: 'VARCHAR', raw: 'VARCHAR'}})",
    }.items():
        duckdb.execute(f'CREATE OR REPLACE VIEW {table} AS SELECT *, filename AS "$path" FROM {source}')
    duckdb.execute("CREATE OR REPLACE MACRO from_utf8(b) AS decode(b)")
    sql = sqlglot.transpile(query, read="athena", write="duckdb")[0]
    return {str(pathlib.Path(row[0]).relative_to(bucket)) for row in duckdb.execute(sql).fetchall()}


def erase(program, bucket, folder, user):
    """Does what the page says and answers what the program said of each object."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(bucket, folder / "erase")
    (folder / "erase.py").write_text(program)
    said = subprocess.run([sys.executable, "erase.py", user, "erase"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return {key: (what, int(found), int(left)) for what, key, found, left in (line.split("\t") for line in said.splitlines())}


def main(runner, demo, generator, build, folder, seed):
    folder = pathlib.Path(folder).absolute()
    shutil.rmtree(folder, ignore_errors=True)
    query, program, functions, first, second = page()
    template = read_template()
    erased = 0
    try:
        bucket = stored(pathlib.Path(runner).absolute(), pathlib.Path(demo).absolute(), generator, build, folder, seed)
        for user in [*USERS, "it's nobody"]:
            before, said = content(bucket), erase(program, bucket, folder / "work", user)
            after = content(folder / "work" / "erase")
            for key in said:
                want = without(key, before[key], user)
                if after[key] != want or before.get((key, "types")) != after.get((key, "types")):
                    raise parquet.Difference(f"{key}: {len(after[key])} are left, of {len(before[key])}; want {len(want)}, just as they were")
                changed = want != before[key]
                what = "leave" if not changed else "put" if want else "delete"
                if said[key][0] != what:
                    raise parquet.Difference(f"{key}: {said[key]}, and it was to be {what}")
                erased += said[key][1]
            shell = Shell(folder / "shell", bucket, query, program, functions)
            (shell.folder / "user").write_text(user)
            found = walk(shell, first, second, user, template)
            left = content(shell.folder / "bucket")
            for key in after:
                gone = said[key if isinstance(key, str) else key[0]][0] == "delete"
                if left.get(key) != (None if gone else after[key]):
                    raise parquet.Difference(f"{key} is not in the bucket as the program left it for {user}")
            changed = {key for key, (what, _, _) in said.items() if what != "leave" and not key.startswith("source/")}
            if found != changed:
                raise parquet.Difference(f"of {user} the query finds {sorted(found)}, and the program changes {sorted(changed)}")
            if (user in USERS) != bool(changed):
                raise parquet.Difference(f"of {user} nothing is there to erase")
            kinds = {key.split("/")[0] for key, (what, _, _) in said.items() if what != "leave"}
            if user == USERS[0] and kinds != {"events", "events_by_type", "quarantine", "source"}:
                raise parquet.Difference(f"{user} is in {kinds} only")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"took {len(USERS)} users out of {len(said)} objects, {erased} rows, lines and events, and left the rest as it was (SEED={seed})")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:6], int(sys.argv[6]))
    except parquet.Difference as difference:
        sys.exit(f"docs/erasure.md does not do what it says (SEED={sys.argv[6]}):\n{difference}")
