"""Sends random valid events through the local runner and compares what DuckDB reads from the Parquet files with what had to come of them.

    python .ci/roundtrip.py RUNNER GENERATOR BUILD FOLDER SEED EVENTS

RUNNER is pkg/local, GENERATOR is pkg/tools/events, which says of each event which row it has to become; BUILD is where the functions'
bootstraps lie, FOLDER is for what the runner keeps and is removed in the end. Every event must become one row and every value be equal; no record may fail. Prints one line with the seed,
and exits 1 with a line for each difference.
"""

import collections
import datetime
import decimal
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request

import duckdb

import parquet
from project import read_template

# A record may have 1 MiB and a request to API Gateway 10 MB.
RECORD_BYTES, REQUEST_BYTES, REQUEST_RECORDS = 600_000, 4_000_000, 100
DERIVED_ID = re.compile("[a-z2-7]{26}")
FLAGS = ["-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-quiet", "-parameter", "StreamMode=PROVISIONED", "-parameter", "ShardCount=32"]


def number(text):
    """Answers a number of JSON as its text, so that 0.10 is not 0.1; it is not equal to a string."""
    return ("number", text)


def read_json(text):
    return json.loads(text, parse_int=number, parse_float=number)


def values(value):
    """Answers a value of read_json with numbers for their texts."""
    if isinstance(value, tuple):
        return decimal.Decimal(value[1]) if re.search("[.eE]", value[1]) else int(value[1])
    if isinstance(value, dict):
        return {name: values(v) for name, v in value.items()}
    if isinstance(value, list):
        return [values(v) for v in value]
    return value


def batches(events, rng):
    """Answers the events in requests of records of events: a record is one event by itself, or several."""
    requests, size = [[]], 0
    while events:
        record = [events.pop()]
        length, most = len(record[0]["event"].encode()), rng.choice([1, 5, 40])
        while events and len(record) < most and length + len(events[-1]["event"].encode()) < RECORD_BYTES:
            record.append(events.pop())
            length += len(record[-1]["event"].encode())
        if requests[-1] and (size + length > REQUEST_BYTES or len(requests[-1]) == REQUEST_RECORDS):
            requests.append([])
            size = 0
        requests[-1].append(record)
        size += length
    return requests


def body(records):
    def data(record):
        return record[0]["event"] if len(record) == 1 else "[" + ",".join(e["event"] for e in record) + "]"

    return ('{"Records":[' + ",".join(f'{{"Data":{data(record)}}}' for record in records) + "]}").encode()


def call(method, url, content=None):
    """Answers the status and the body."""
    headers = {"Content-Type": "application/json"} if content else {}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, headers, method=method)) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def send(api, records):
    """Sends records until all are accepted; notes in each event which request it came with."""
    while records:
        status, answer = call("POST", f"{api}/records", body(records))
        said = json.loads(answer)
        if status not in (200, 429, 503) or "Resend" not in said and status != 429:
            raise parquet.Difference(f"valid events were answered {status} {answer}")
        again = said.get("Resend", range(len(records)))
        for i in set(range(len(records))) - set(again):
            for event in records[i]:
                event["request_id"] = said["RequestId"]
        records = [records[i] for i in again]


def flush(aws):
    status, answer = call("POST", f"{aws}/_hydrant/flush")
    if status != 200:
        raise parquet.Difference(f"delivery: {status} {answer}")
    _, failed = call("GET", f"{aws}/_hydrant/errors")
    if failed:
        raise parquet.Difference(f"records failed:\n{failed[:4000]}")


def generate(generator, seed, count):
    """Answers random valid events, each with the row that it has to become."""
    lines = subprocess.run([generator, "-seed", str(seed), "-n", str(count)], check=True, capture_output=True, text=True).stdout
    return [read_json(line) for line in lines.split("\n")[:-1]]  # splitlines would split within texts


def play(runner, build, folder, requests, flags=FLAGS):
    """Runs the runner and has it deliver the requests' events."""
    process = subprocess.Popen([runner, "-build", build, "-data", folder, *flags], stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline()
        if not ready:
            raise parquet.Difference("the runner did not start")
        ready = json.loads(ready)
        for records in requests:
            send(ready["api"], records)
        flush(ready["aws"])
    finally:
        process.terminate()
        status = process.wait()
    if status:
        raise parquet.Difference(f"the runner ended with {status}")


def differences(stored, event, columns, since):
    """Yields a sentence for each column in which a row is not what had to come of an event."""
    want = dict(event["row"])
    extra = want.pop("extra", None)
    if not parquet.same(read_json(stored.get("extra", "null")), extra):
        yield f"extra is {stored.get('extra')!r:.300}; want {extra!r:.300}"
    want = {name: parquet.cast(values(value), columns[name]) for name, value in want.items()}
    want |= {"producer": "anonymous", "attempt": 0, "request_id": event["request_id"], "received_at": stored.get("received_at")}
    want.setdefault("occurred_at", stored.get("received_at"))
    if not since <= stored["received_at"] <= datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None):
        yield f"received_at is {stored['received_at']}"
    if "event_id" not in want and DERIVED_ID.fullmatch(stored["event_id"]):
        want["event_id"] = stored["event_id"]
    for name in sorted((stored.keys() | want.keys()) - {"extra", "dt", "hour"}):
        if not parquet.same(stored.get(name), want.get(name)):
            yield f"{name} is {stored.get(name)!r:.300}; want {want.get(name)!r:.300}"


def compare(rows, events, columns, since):
    """Yields a sentence for each difference. An event that left its id to hydrant may be any of its request's rows that nobody else has."""
    by_request = collections.defaultdict(dict)
    for row in rows:
        if by_request[row["request_id"]].setdefault(row["event_id"], row) is not row:
            yield f"{row['event_id']}: it is there twice"
    for event in sorted(events, key=lambda e: "event_id" not in e["row"]):
        left = by_request[event["request_id"]]
        event_id = event["row"].get("event_id")
        if event_id is None:
            event_id = next((i for i, row in left.items() if not any(differences(row, event, columns, since))), next(iter(left), None))
        row = left.pop(event_id, None)
        faults = ["it has no row"] if row is None else differences(row, event, columns, since)
        for fault in faults:
            yield f"{event['row'].get('event_id') or event['event'][:100]}: {fault}"
    for left in by_request.values():
        for event_id in left:
            yield f"{event_id}: nobody sent it"


def main(runner, generator, build, folder, seed, count):
    events = generate(generator, seed, count)
    requests = batches(list(events), random.Random(seed))
    shutil.rmtree(folder, ignore_errors=True)
    since = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None, microsecond=0)
    try:
        play(runner, build, folder, requests)
        columns, partitions = parquet.table_of(read_template())
        paths = sorted(pathlib.Path(folder).glob("s3/*/events/**/*.parquet"))
        connection = duckdb.connect()
        for path in paths:
            parquet.check_schema(connection, path, columns)
        found = list(compare(parquet.read_rows(connection, paths, partitions), events, columns, since))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found:
        raise parquet.Difference("\n".join(found[:20]) + f"\n{len(found)} differences")
    records = sum(len(records) for records in requests)
    print(f"{len(events)} random valid events in {records} records became {len(events)} rows, every value as DuckDB reads it equal (SEED={seed})")


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:5], int(sys.argv[5]), int(sys.argv[6]))
    except parquet.Difference as difference:
        sys.exit(f"events did not become the rows they should (SEED={sys.argv[5]}):\n{difference}")
