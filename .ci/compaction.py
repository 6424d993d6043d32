"""Runs the compaction's statements on Parquet files of the local runner, with DuckDB in Athena's place, and holds the outcome against what it promises.

    python .ci/compaction.py RUNNER GENERATOR BUILD FOLDER SEED

The arguments are those of roundtrip.py. The runner writes the files of random events; their rows are then dealt into files of many days, with copies, late
files and odd dates, and the statements of template.yaml run day by day: twice, over other days, and ending midway as a failed run of Athena's does,
with some of its files left. Prints one line, and exits 1 with what does not hold.
"""

import collections
import datetime
import functools
import json
import pathlib
import random
import re
import shutil
import sys
import uuid

import duckdb
import sqlglot
from sqlglot import exp

import parquet
import queries
import roundtrip
from project import read_template

# What docs/compaction.md promises.
WINDOW_DAYS = COPY_DAYS = 4
LATE_DAYS = 11
# "INSERT INTO", Amazon Athena User Guide
ATHENA_PARTITIONS = 100

EVENTS, DAYS = 300, 9
TODAY = datetime.date(2026, 11, 26)
DAY = datetime.timedelta(days=1)


class Table:
    """A table of template.yaml with its files in a folder."""

    def __init__(self, connection, folder, resource):
        table = resource["Properties"]["TableInput"]
        self.connection, self.folder, self.name = connection, folder / table["Name"], table["Name"]
        self.columns = {c["Name"]: exp.DataType.build(c["Type"], dialect="hive").sql(dialect="duckdb") for c in table["StorageDescriptor"]["Columns"]}
        self.keys = [key["Name"] for key in table["PartitionKeys"]]
        # s3://bucket/events/dt=${dt}/hour=${hour}/
        self.place = re.sub(r"^.*?/(?=[^/]*/[a-z_]*=)", "", table["Parameters"]["storage.location.template"]["Fn::Sub"]).replace("${!", "{")
        shutil.rmtree(self.folder, ignore_errors=True)

    def files(self):
        return sorted(self.folder.glob("**/*.parquet"))

    def refresh(self):
        """Makes the table show the files that are there, by the partitions that they lie in."""
        self.connection.execute(f"DROP VIEW IF EXISTS {self.name}")
        if self.files():
            source = f"read_parquet('{self.folder}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)"
        else:
            columns = [f'NULL::{kind} AS "{name}"' for name, kind in self.columns.items()] + [f"NULL::VARCHAR AS {key}" for key in self.keys]
            source = f"(SELECT {', '.join(columns)} WHERE false)"
        self.connection.execute(f"CREATE VIEW {self.name} AS FROM {source}")

    def rows(self):
        self.refresh()
        relation = self.connection.table(self.name)
        return [dict(zip(relation.columns, row)) for row in relation.fetchall()]


class Lake:
    """The two tables, and Athena."""

    def __init__(self, folder, template):
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        resources = template["Resources"]
        self.events = Table(self.connection, folder, resources["EventsTable"])
        self.compacted = Table(self.connection, folder, resources["EventsByTypeTable"])
        self.statements = list(queries.statements(resources).values())
        self.most = 0

    def deliver(self, rows, day):
        """Writes one file of events that arrived on a day. Rows are (row, attempt, minutes by which it was received later)."""
        if not rows:  # Firehose writes no file without a row
            return
        self.connection.execute("CREATE OR REPLACE TEMP TABLE chosen (n BIGINT, attempt INTEGER, later INTEGER)")
        self.connection.executemany("INSERT INTO chosen VALUES (?, ?, ?)", rows)
        path = self.events.folder / f"dt={day}" / f"hour={random.randrange(24):02}" / f"{uuid.uuid4()}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        self.connection.execute(
            f"""COPY (SELECT s.* EXCLUDE (n) REPLACE (s.attempt + c.attempt AS attempt, s.received_at + to_minutes(c.later) AS received_at)
            FROM sent s JOIN chosen c USING (n) ORDER BY random()) TO '{path}' (FORMAT parquet)"""
        )

    def compact(self, day, kept=1.0):
        """Runs the statements on a day and answers how many rows they wrote; of their files only a share is kept."""
        written = 0
        for statement in self.statements:
            # As docs/compaction.md does it for the days before.
            columns, select = translated(statement.replace("current_timestamp", f"timestamp '{day} 01:20:00 UTC'"))
            quoted = ", ".join(f'"{column}"' for column in columns)
            self.events.refresh()
            self.compacted.refresh()
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE written AS SELECT * FROM ({select}) AS t({quoted})")
            partitions = self.connection.execute("SELECT count(DISTINCT (type, event_date)) FROM written").fetchone()[0]
            self.most = max(self.most, partitions)
            if partitions > ATHENA_PARTITIONS:
                raise parquet.Difference(f"one statement writes to {partitions} partitions")
            written += self.write(kept)
        return written

    def write(self, kept):
        """Writes what a statement gives, as Athena's INSERT INTO does: the columns by name, under the location, a folder for each key."""
        (count,) = self.connection.execute("SELECT count(*) FROM written").fetchone()
        if count:
            before = set(self.compacted.files())
            self.connection.execute(
                f"""COPY written TO '{self.compacted.folder}' (FORMAT parquet, PARTITION_BY (type, event_date), APPEND,
                FILENAME_PATTERN '{{uuid}}')"""
            )
            for path in set(self.compacted.files()) - before:
                place = self.compacted.place.format(**dict(part.split("=") for part in path.parent.parts[-2:]))
                if f"{path.parent.relative_to(self.compacted.folder.parent)}/" != place:
                    raise parquet.Difference(f"it writes to {path.parent}, and the projection looks in {place}")
                if random.random() >= kept:
                    path.unlink()
        return count


@functools.cache
def translated(insert):
    """Answers the columns of an INSERT INTO of Athena's, and its SELECT as DuckDB reads it."""
    parsed = sqlglot.parse_one(insert, dialect="athena")
    return [column.name for column in parsed.this.expressions], parsed.expression.sql(dialect="duckdb")


def id_of(row):
    return row["type"], row["event_id"]


def day_of(text):
    return datetime.date.fromisoformat(text)


def partition_of(row):
    """Answers the day under which an event of this row has to stand."""
    arrived, occurred = day_of(row["dt"]), row["occurred_at"].date()
    return str(occurred if arrived - LATE_DAYS * DAY <= occurred <= arrived + DAY else arrived)


def check(lake, day):
    """Raises what does not hold after a run on a day that did not fail."""
    source, table = lake.events.rows(), lake.compacted.rows()
    arrived, stands = collections.defaultdict(list), collections.defaultdict(list)
    for row in source:
        arrived[id_of(row)].append({name: value for name, value in row.items() if name != "hour"})
    for row in table:
        stands[id_of(row)].append(row)
    for row in table:
        want = partition_of(row)
        if row["event_date"] != want:
            raise parquet.Difference(f"{id_of(row)} of {row['occurred_at']}, arrived on {row['dt']}, stands under {row['event_date']}, not {want}")
        if {name: value for name, value in row.items() if name != "event_date"} not in arrived[id_of(row)]:
            raise parquet.Difference(f"{row} is none of {arrived[id_of(row)]}")
    for row in source:
        reach = day_of(row["dt"]) - COPY_DAYS * DAY
        if day - (WINDOW_DAYS - 1) * DAY <= day_of(row["dt"]) <= day and not any(day_of(r["dt"]) >= reach for r in stands[id_of(row)]):
            raise parquet.Difference(f"{id_of(row)} arrived on {row['dt']} and was not compacted on {day}")
    for rows in stands.values():
        days = sorted(day_of(row["dt"]) for row in rows)
        if any(b - a <= COPY_DAYS * DAY for a, b in zip(days, days[1:])):
            raise parquet.Difference(f"{id_of(rows[0])} stands there {len(rows)} times, of {', '.join(map(str, days))}")
    return len(table), len(source)


def scenario(lake, rng, rows, apart):
    """Lets some days pass. Copies of a row arrive at most so many days apart; answers how many events there were."""
    for table in (lake.events, lake.compacted):
        shutil.rmtree(table.folder, ignore_errors=True)
    late, copies = [], 0
    span = {}  # the days between which a row has arrived
    for n in range(DAYS):
        day = TODAY + n * DAY
        for arrival in [day] * 3 + late:
            chosen = {}
            for row in rng.sample(range(rows), rows // 8):
                days = [*span.get(row, ()), arrival]
                if max(days) - min(days) <= apart * DAY:
                    copies += row in span
                    span[row] = min(days), max(days)
                    chosen[row] = (row, rng.choice([0, 0, 1, 3]), rng.randrange(60))
            twice = [c for c in chosen.values() if rng.random() < 0.1]
            copies += len(twice)
            lake.deliver(list(chosen.values()) + twice, arrival)
        # Files that are delivered when their day is over, at most as late as the window allows.
        late = [day - rng.randrange(2) * DAY for _ in range(rng.randrange(3))]
        if rng.random() < 0.3:
            lake.compact(day, kept=rng.random())
        lake.compact(day)
        check(lake, day)
        if rng.random() < 0.5 and (again := lake.compact(day)):
            raise parquet.Difference(f"the same run a second time wrote {again} rows")
    for back in reversed(range(DAYS)):  # the days before, once more
        if again := lake.compact(TODAY + back * DAY):
            raise parquet.Difference(f"{again} rows were written by a run over days that were done")
    return len(span), copies, check(lake, TODAY + (DAYS - 1) * DAY)


def winner(lake):
    """Of copies that a run finds together, that of the lowest attempt is kept, and among those the first that was received."""
    shutil.rmtree(lake.events.folder, ignore_errors=True)
    shutil.rmtree(lake.compacted.folder, ignore_errors=True)
    lake.deliver([(0, 2, 0), (0, 1, 30), (1, 0, 9), (1, 0, 7)], TODAY)
    lake.deliver([(0, 1, 20), (1, 0, 8)], TODAY - DAY)
    lake.compact(TODAY)
    received = dict(lake.connection.execute("SELECT event_id, received_at FROM sent WHERE n < 2").fetchall())
    event_ids = [r[0] for r in lake.connection.execute("SELECT event_id FROM sent WHERE n < 2 ORDER BY n").fetchall()]
    got = {row["event_id"]: (row["received_at"] - received[row["event_id"]]).seconds // 60 for row in lake.compacted.rows()}
    if got != dict(zip(event_ids, [20, 7])):
        raise parquet.Difference(f"of the copies of two events those were kept that came {got} minutes later, not 20 and 7")


def spread(lake, rows):
    """Events of every day of two years arrive at once, in each type: none may make the statement fail."""
    shutil.rmtree(lake.events.folder, ignore_errors=True)
    shutil.rmtree(lake.compacted.folder, ignore_errors=True)
    for back in range(WINDOW_DAYS):
        lake.deliver([(n, 0, 0) for n in range(rows)], TODAY - back * DAY)
    lake.connection.execute("CREATE OR REPLACE TEMP TABLE kept AS FROM sent")
    # Half of them around the days that have a partition, half of them anywhere.
    lake.connection.execute(
        f"UPDATE sent SET occurred_at = TIMESTAMP '{TODAY}' - to_days(if(n % 2 = 0, n // 6 % 25 - 4, n * 731 // {rows} - 10)::INTEGER), "
        "event_id = n::VARCHAR, type = ['page_view', 'purchase', 'app_error'][n % 3 + 1]"
    )
    for back in range(WINDOW_DAYS):
        lake.deliver([(n, 0, 0) for n in range(rows)], TODAY - back * DAY)
    lake.connection.execute("CREATE OR REPLACE TEMP TABLE sent AS FROM kept")
    lake.compact(TODAY)
    check(lake, TODAY)


def real_rows(runner, generator, build, folder, seed):
    """Answers the paths of Parquet files that the runner wrote of random events; some of them happened on odd days."""
    rng = random.Random(seed)
    lines = roundtrip.generate(generator, seed, EVENTS)
    for event in lines:
        odd = rng.choice([None, 0, 0, 1, LATE_DAYS - 1, LATE_DAYS, LATE_DAYS + 1, 40, 9000])
        if odd is not None and "occurred_at" not in json.loads(event["event"]):  # the name may be written with escapes
            day = datetime.datetime.now(datetime.timezone.utc).date() - odd * DAY
            event["event"] = event["event"].replace("{", f'{{"occurred_at": "{day}T0{rng.randrange(10)}:00:00Z", ', 1)
    roundtrip.play(runner, build, folder, roundtrip.batches(lines, rng), [*roundtrip.FLAGS, "-parameter", "Compaction=DAILY"])
    return sorted(pathlib.Path(folder).glob("s3/*/events/**/*.parquet"))


def main(runner, generator, build, folder, seed):
    random.seed(seed)
    rng = random.Random(seed)
    folder = pathlib.Path(folder)
    shutil.rmtree(folder, ignore_errors=True)
    template = read_template()
    try:
        paths = real_rows(runner, generator, build, folder, seed)
        lake = Lake(folder / "lake", template)
        # The files are of today; what they hold is moved so that today is TODAY.
        moved = (TODAY - datetime.datetime.now(datetime.timezone.utc).date()).days
        lake.connection.execute(
            f"""CREATE TEMP TABLE sent AS SELECT * REPLACE (occurred_at + to_days({moved}) AS occurred_at, received_at + to_days({moved}) AS received_at),
            row_number() OVER (ORDER BY event_id) - 1 AS n FROM read_parquet($paths, hive_partitioning = false)""",
            {"paths": [str(path) for path in paths]},
        )
        (rows,) = lake.connection.execute("SELECT count(*) FROM sent").fetchone()
        winner(lake)
        spread(lake, rows)
        # All copies within reach: as many rows as events, to the last.
        events, copies, (table, source) = scenario(lake, rng, rows, COPY_DAYS)
        if table != events:
            raise parquet.Difference(f"{events} events became {table} rows")
        scenario(lake, rng, rows, 10)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(
        f"DuckDB compacted {source} rows of {len(paths)} file(s) of the runner, dealt into {DAYS} days with {copies} copies, into {table}: each of {events} events once, "
        f"in its partition, {lake.most} partitions at most in a statement (SEED={seed})"
    )


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:5], int(sys.argv[5]))
    except parquet.Difference as difference:
        sys.exit(f"the compaction does not hold what it promises (SEED={sys.argv[5]}):\n{difference}")
