"""Runs every input under events/ through the Runtime Interface Emulator that SAM CLI brings, against the programs that are deployed.

    python .ci/emulator.py [FUNCTION...]

The functions' own tests (TestProgram) say what each input comes to: the answer, the log lines, the metrics, and what there is in S3, in
the stream and on the queue afterwards. They start a program and serve it the Runtime API. Here that program is this file (-bootstrap):
it hands each invocation on to the emulator, which runs the real one, built by the Makefile, and hands the answer back. So all that is
expected of a function on its own is expected of it behind AWS's emulator too. Exits 1 if a test fails, or if the emulator was not asked
with each of the files.
"""

import ctypes
import hashlib
import http.client
import json
import os
import pathlib
import platform
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent

# The first argument where this file stands for a bootstrap.
STAND_IN = "stand-in"

# By what uname -m says: the emulator's and Go's names for the architecture.
ARCHITECTURES = {"x86_64": ("x86_64", "amd64"), "aarch64": ("arm64", "arm64")}

# The emulator cuts a longer request off, and says nothing.
LONGEST_REQUEST = 6_291_556

# How long the longest request is that a function's tests make, in bytes. Those that are too large to be kept under events/ are among them.
LONGEST = {"transform": 6 << 20}

PR_SET_PDEATHSIG = 1


class Fault(Exception):
    """Something that is not as it should be, in a sentence."""


def find_emulator(machine):
    """Answers the emulator's path and GOARCH."""
    import samcli.local

    if machine not in ARCHITECTURES:
        raise Fault(f"SAM CLI has no emulator for {machine}, only for {' and '.join(ARCHITECTURES)}")
    theirs, ours = ARCHITECTURES[machine]
    # A namespace package: it has a path, and no file.
    path = pathlib.Path(next(iter(samcli.local.__path__))) / "rapid" / f"aws-lambda-rie-{theirs}"
    if not os.access(path, os.X_OK):
        raise Fault(f"this version of SAM CLI does not bring the emulator: {path} is no program. Does .ci/requirements.txt name another version?")
    return path, ours


def environment():
    """Answers the environment without what a make that started this would tell another."""
    return {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def run(*command):
    done = subprocess.run(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise Fault(f"{' '.join(map(str, command))}\n{done.stdout}")


def check(name, emulator, goarch, work):
    """Runs a function's tests behind the emulator; answers how many inputs it was asked with, and how many bytes the longest request had."""
    inputs = [path for path in (ROOT / "events" / name).glob("*") if path.is_file()]
    if not inputs:
        raise Fault(f"functions/{name} has no inputs under events/{name}")
    built, asked, stand_in = work / name, work / f"{name}.asked", work / f"{name}.sh"
    run("make", "--no-print-directory", f"build-{name.capitalize()}Function", f"ARTIFACTS_DIR={built}", "GOOS=linux", f"GOARCH={goarch}")
    # The tests give a program the variables that Lambda does, and no others: what is to be known stands in the file.
    stand_in.write_text(f"#!/bin/sh\nexec '{sys.executable}' '{__file__}' {STAND_IN} '{emulator}' '{built}/bootstrap' '{asked}'\n")
    stand_in.chmod(0o755)
    run("go", "test", "-count=1", "-run", "^TestProgram$", f"./functions/{name}", "-bootstrap", stand_in)
    seen = dict(line.split() for line in asked.read_text().splitlines()) if asked.exists() else {}
    missed = [str(path.relative_to(ROOT)) for path in sorted(inputs) if hashlib.sha256(path.read_bytes()).hexdigest() not in seen]
    if missed:
        raise Fault(f"the tests of functions/{name} pass, but the emulator was never asked with {', '.join(missed)}")
    longest = max(map(int, seen.values()))
    if longest < LONGEST.get(name, 0):
        raise Fault(f"the tests of functions/{name} pass, but the longest request had {longest} bytes, not {LONGEST[name]}")
    return len(inputs), longest


def check_all(names):
    if platform.system() != "Linux":
        print(f"NOT RUN: the emulator is a program for Linux, and this is {platform.system()}; CI runs it")
        return 0
    names = names or sorted(path.parent.name for path in (ROOT / "functions").glob("*/main.go"))
    failed = 0
    with tempfile.TemporaryDirectory() as work:
        emulator, goarch = find_emulator(platform.machine())
        for name in names:
            try:
                count, longest = check(name, emulator, goarch, pathlib.Path(work))
                print(f"{name}: {count} inputs come to the same behind the Runtime Interface Emulator, and requests of up to {longest:,} bytes")
            except Fault as fault:
                failed = 1
                print(f"{name}: {fault}", file=sys.stderr)
    return failed


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def die_with_parent():
    """Has the kernel end a child with its parent, which the tests kill. The emulator's own child ends when the emulator is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Emulator:
    """The emulator with a bootstrap. It takes one request at a time; several at once crash it."""

    def __init__(self, emulator, bootstrap, environment=None, printed=None):
        self.port, self.id, self.ids, self.printed = free_port(), "", {}, printed if printed is not None else sys.stdout.buffer
        command = [emulator, "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"]
        command += ["--runtime-api-address", f"127.0.0.1:{free_port()}", "--log-level", "error", bootstrap]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, preexec_fn=die_with_parent)
        threading.Thread(target=self.pass_output_on, daemon=True).start()
        while self.process.poll() is None:
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.005)
        raise Fault(f"the emulator ended with {self.process.returncode}")

    def pass_output_on(self):
        """Prints what the function prints. The emulator has request ids of its own: they become those of whoever asked."""
        for line in self.process.stdout:
            if found := re.match(rb"START RequestId: (\S+)", line):
                self.ids[found[1]] = self.id.encode()
            elif not re.match(rb"(END|REPORT) RequestId: ", line) and line.strip():
                for theirs, ours in self.ids.items():
                    line = line.replace(theirs, ours)
                self.printed.write(line)
                self.printed.flush()

    def invoke(self, request_id, payload):
        """Answers what the function answered, and whether that is an error: the emulator's status says only if the function ended."""
        if len(payload) > LONGEST_REQUEST:
            raise Fault(f"the emulator would cut a request of {len(payload)} bytes")
        self.id = request_id
        status, body, _ = request(f"127.0.0.1:{self.port}", "POST", "/2015-03-31/functions/function/invocations", payload)
        return body, status != 200 or is_error(body)


def is_error(body):
    try:
        answer = json.loads(body)
    except ValueError:
        return True  # such as "Task timed out after 3.00 seconds"
    return isinstance(answer, dict) and {"errorMessage", "errorType"} <= answer.keys()


def request(address, method, path, body=None):
    connection = http.client.HTTPConnection(address)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def stand_in(emulator, bootstrap, asked):
    """Takes invocations from the Runtime API of the tests, until they end it, and has the emulator answer them."""
    api, emulated = os.environ["AWS_LAMBDA_RUNTIME_API"], Emulator(emulator, bootstrap)
    with open(asked, "a") as log:
        while True:
            _, payload, headers = request(api, "GET", "/2018-06-01/runtime/invocation/next")
            request_id = headers["Lambda-Runtime-Aws-Request-Id"]
            body, failed = emulated.invoke(request_id, payload)
            print(hashlib.sha256(payload).hexdigest(), len(payload), file=log, flush=True)
            request(api, "POST", f"/2018-06-01/runtime/invocation/{request_id}/{'error' if failed else 'response'}", body)


if __name__ == "__main__":
    if sys.argv[1:2] == [STAND_IN]:
        stand_in(*sys.argv[2:])
    else:
        try:
            sys.exit(check_all(sys.argv[1:]))
        except Fault as fault:
            sys.exit(str(fault))
