"""Tries docs/openapi.yaml against the local runner with schemathesis, in each mode of Authorization: requests that the contract allows must be
accepted, requests that it forbids must be refused, and each answer must be one that it describes.

    python .ci/contract.py RUNNER BUILD FOLDER SEED [EXAMPLES]
"""

import base64
import hashlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys

from project import ROOT

FLAGS = ["-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-quiet"]
# The local runner takes this Region unless AWS_REGION names another one; signatures name it.
ENVIRONMENT = {**os.environ, "AWS_REGION": "eu-west-1"}
# Another method than the contract's is 403 with API Gateway, never 405, so that unsupported_method is not among them.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
]


def static_token(folder):
    """Answers a static token whose hash the runner finds in its data folder."""
    token = "hydrant_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).rstrip(b"=").decode()
    entry = {"sha256": hashlib.sha256(token.encode()).hexdigest(), "producer": "contract", "label": "contract", "expires": "2100-01-01T00:00:00Z"}
    path = pathlib.Path(folder, "secrets", "hydrant-local-TokensSecret")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"tokens": [entry]}))
    return token


def modes(folder):
    """Yields for each mode the runner's flags, schemathesis's and its environment."""
    yield "NONE", [], [], {}
    yield "AWS_IAM", [], [], {"SCHEMATHESIS_HOOKS": "signing", "PYTHONPATH": str(ROOT / ".ci")}
    yield "LAMBDA", ["-parameter", "StaticTokens=true"], ["-H", "Authorization: Bearer " + static_token(folder)], {}


def main(runner, build, folder, seed, examples="60"):
    shutil.rmtree(folder, ignore_errors=True)
    for mode, flags, arguments, environment in modes(folder):
        print(f"== the contract with Authorization={mode}", flush=True)
        if one(runner, build, folder, seed, examples, ["-parameter", f"Authorization={mode}", *flags], arguments, environment):
            return 1
    return 0


def one(runner, build, folder, seed, examples, flags, arguments, environment):
    process = subprocess.Popen([runner, "-build", build, "-data", folder, *FLAGS, *flags], stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
    try:
        ready = process.stdout.readline()
        if not ready:
            print("the runner did not start", file=sys.stderr)
            return 1
        schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
        tried = subprocess.run(
            [
                *(schemathesis, "run", ROOT / "docs" / "openapi.yaml", "--url", json.loads(ready)["api"], *arguments),
                *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", examples),
                *("--seed", seed, "--generation-database", "none", "--no-color"),
            ],
            cwd=folder,
            env={**ENVIRONMENT, **environment, "PYTHONDONTWRITEBYTECODE": "1"},
            timeout=300,
            stdout=subprocess.PIPE,
            text=True,
        )
        print(tried.stdout, end="", flush=True)
        # For schemathesis it is a warning, but then nothing behind the door was tried.
        locked_out = "Authentication failed" in tried.stdout
    finally:
        process.terminate()
        ended = process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    if ended:
        print(f"the runner ended with {ended}", file=sys.stderr)
    if locked_out:
        print("the credentials were refused", file=sys.stderr)
    return 1 if tried.returncode or ended or locked_out else 0


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
