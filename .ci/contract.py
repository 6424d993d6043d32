"""Tries docs/openapi.yaml against the local runner with schemathesis: requests that the contract allows must be accepted, requests that it
forbids must be refused, and each answer must be one that it describes.

    python .ci/contract.py RUNNER BUILD FOLDER SEED [EXAMPLES]
"""

import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FLAGS = ["-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-quiet", "-parameter", "Authorization=NONE"]
# Another method than the contract's is 403 with API Gateway, never 405, so that unsupported_method is not among them.
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "positive_data_acceptance",
    "negative_data_rejection",
]


def main(runner, build, folder, seed, examples="60"):
    shutil.rmtree(folder, ignore_errors=True)
    process = subprocess.Popen([runner, "-build", build, "-data", folder, *FLAGS], stdout=subprocess.PIPE, text=True)
    try:
        ready = process.stdout.readline()
        if not ready:
            print("the runner did not start", file=sys.stderr)
            return 1
        schemathesis = pathlib.Path(sys.executable).with_name("schemathesis")
        status = subprocess.run(
            [
                *(schemathesis, "run", ROOT / "docs" / "openapi.yaml", "--url", json.loads(ready)["api"]),
                *("--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", examples),
                *("--seed", seed, "--generation-database", "none", "--no-color"),
            ],
            cwd=folder,
            timeout=300,
        ).returncode
    finally:
        process.terminate()
        ended = process.wait()
        shutil.rmtree(folder, ignore_errors=True)
    if ended:
        print(f"the runner ended with {ended}", file=sys.stderr)
    return 1 if status or ended else 0


if __name__ == "__main__":
    if len(sys.argv) not in (5, 6):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
